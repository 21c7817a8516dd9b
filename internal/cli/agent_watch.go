package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/hashicorp/consul/api/watch"
	"github.com/hashicorp/go-hclog"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/process"
)

// handlerOutputMax is how much of a handler's output is kept for the log
// (reference/config.md §9).
const handlerOutputMax = 4096

// runAgentWatch runs one watch until ctx ends. The library's plan asks again after a
// fault, later each time; a fault in the definition ends it with a log line, and
// leaves the others as they are.
func runAgentWatch(ctx context.Context, self agent.Self, conf config.Watch) {
	logger := self.Logger.Named("watch").With("type", conf.Type)
	params := maps.Clone(conf.Params)
	if params == nil {
		params = map[string]any{}
	}
	params["type"] = conf.Type
	plan, err := watch.Parse(params)
	if err != nil {
		logger.Error("Watch cannot run", "error", err)
		return
	}
	cl, err := ownClient(self, conf.Datacenter, conf.Token)
	if err != nil {
		logger.Error("Watch cannot run", "error", err)
		return
	}
	handler := newWatchHandler(conf)
	plan.HybridHandler = func(index watch.BlockingParamVal, data any) {
		if err := handler.handle(ctx, logger, indexText(index), data); err != nil && ctx.Err() == nil {
			logger.Error("Failed to run watch handler", "handler", handler.name(), "error", err)
		}
	}
	defer context.AfterFunc(ctx, plan.Stop)()
	if err := plan.RunWithClientAndHclog(cl, self.Logger); err != nil {
		logger.Error("Watch ended", "error", err)
	}
}

// indexText is the index as handlers get it; watches on a hash have none but it.
func indexText(index watch.BlockingParamVal) string {
	switch v := index.(type) {
	case watch.WaitIndexVal:
		return strconv.FormatUint(uint64(v), 10)
	case watch.WaitHashVal:
		return string(v)
	}
	return ""
}

// watchHandler tells a script or a URL what a watch saw (reference/config.md §9).
type watchHandler struct {
	conf   config.Watch
	client *http.Client // of an http handler
}

func newWatchHandler(conf config.Watch) *watchHandler {
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: conf.HTTP.TLSSkipVerify},
		DisableKeepAlives: true, // changes are rare
	}
	return &watchHandler{conf, &http.Client{Transport: transport, Timeout: conf.HTTP.Timeout}}
}

func (h *watchHandler) name() string {
	switch {
	case h.conf.HandlerType == "http":
		return h.conf.HTTP.Path
	case h.conf.Handler != "":
		return h.conf.Handler
	}
	return fmt.Sprint(h.conf.Args)
}

// handle runs the handler once, with data as JSON.
func (h *watchHandler) handle(ctx context.Context, logger hclog.Logger, index string, data any) error {
	var input bytes.Buffer
	if err := json.NewEncoder(&input).Encode(data); err != nil {
		return fmt.Errorf("encode data: %w", err)
	}
	call := h.run
	if h.conf.HandlerType == "http" {
		call = h.post
	}
	output := &process.Tail{Max: handlerOutputMax}
	err := call(ctx, index, &input, output)
	if output.Total() > handlerOutputMax {
		logger.Debug("watch handler output", "handler", h.name(), "output", fmt.Sprintf("Captured %d of %d bytes\n...\n%s", handlerOutputMax, output.Total(), output))
	} else {
		logger.Debug("watch handler output", "handler", h.name(), "output", output.String())
	}
	return err
}

func (h *watchHandler) run(ctx context.Context, index string, input io.Reader, output io.Writer) error {
	return process.Run(ctx, process.Options{
		Args: h.conf.Args, Line: h.conf.Handler, Env: []string{"CONSUL_INDEX=" + index},
		Stdin: input, Stdout: output, Stderr: output,
	})
}

func (h *watchHandler) post(ctx context.Context, index string, input io.Reader, output io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, h.conf.HTTP.Method, h.conf.HTTP.Path, input)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Consul-Index", index)
	for name, values := range h.conf.HTTP.Header {
		for _, v := range values {
			req.Header.Add(name, v)
		}
	}
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(output, res.Body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("answer: %s", res.Status)
	}
	return nil
}
