package checks

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"praetor/catalog"
	"praetor/internal/fault"
)

const (
	defaultDockerHost = "unix:///var/run/docker.sock"
	maxDockerReply    = 1 << 20 // bytes of a JSON reply; real ones have hundreds
)

// newDocker builds a check that runs a program inside a container, through the
// Docker API on DOCKER_HOST. It has no timeout of its own.
func newDocker(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	client, base, err := dockerClient(orDefault(os.Getenv("DOCKER_HOST"), defaultDockerHost), o)
	if err != nil {
		return nil, err
	}
	client.Timeout = d.Timeout // 0: none
	p := docker{client: client, base: base, container: d.DockerContainerID, args: d.ScriptArgs, max: o.OutputMax}
	return newPeriodic(c, o, p.probe), nil
}

func dockerClient(host string, o *Options) (*http.Client, string, error) {
	scheme, address, ok := strings.Cut(host, "://")
	network := map[string]string{"unix": "unix", "tcp": "tcp", "http": "tcp"}[scheme]
	if !ok || network == "" {
		return nil, "", fault.New(fault.Rejected, "DOCKER_HOST %q is not unix:// or tcp://", host)
	}
	dial := o.Dial
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, network, address)
		},
	}
	return &http.Client{Transport: transport}, "http://docker/v1.24", nil
}

type docker struct {
	client    *http.Client
	base      string
	container string
	args      []string
	max       int
}

func (d *docker) probe(ctx context.Context) result {
	output := newTail(d.max)
	code, err := d.exec(ctx, output)
	if err != nil {
		return result{status: catalog.Critical, output: err.Error()}
	}
	return result{status: exitStatus(code), output: output.announced()}
}

// exec creates an exec instance, runs it to its end, and asks for its exit code.
func (d *docker) exec(ctx context.Context, output io.Writer) (int, error) {
	var created struct{ ID string }
	err := d.call(ctx, http.MethodPost, "/containers/"+url.PathEscape(d.container)+"/exec",
		map[string]any{"AttachStdout": true, "AttachStderr": true, "Cmd": d.args}, func(r io.Reader) error {
			return json.NewDecoder(io.LimitReader(r, maxDockerReply)).Decode(&created)
		})
	if err != nil {
		return 0, fmt.Errorf("create exec in container %s: %w", d.container, err)
	}
	err = d.call(ctx, http.MethodPost, "/exec/"+url.PathEscape(created.ID)+"/start",
		map[string]any{"Detach": false, "Tty": false}, func(r io.Reader) error { return demux(output, r) })
	if err != nil {
		return 0, fmt.Errorf("start exec in container %s: %w", d.container, err)
	}
	var state struct{ ExitCode int }
	err = d.call(ctx, http.MethodGet, "/exec/"+url.PathEscape(created.ID)+"/json", nil, func(r io.Reader) error {
		return json.NewDecoder(io.LimitReader(r, maxDockerReply)).Decode(&state)
	})
	if err != nil {
		return 0, fmt.Errorf("inspect exec in container %s: %w", d.container, err)
	}
	return state.ExitCode, nil
}

func (d *docker) call(ctx context.Context, method, path string, body any, read func(io.Reader) error) error {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, in)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text := newTail(512)
		_, _ = io.Copy(text, io.LimitReader(resp.Body, maxDockerReply))
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(text.String()))
	}
	return read(resp.Body)
}

// demux copies both streams of Docker's attach format to w: frames of one byte
// stream number, three zeros, a big-endian length, and that many bytes.
func demux(w io.Writer, r io.Reader) error {
	var header [8]byte
	for {
		_, err := io.ReadFull(r, header[:])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := io.CopyN(w, r, int64(binary.BigEndian.Uint32(header[4:]))); err == io.EOF {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
	}
}
