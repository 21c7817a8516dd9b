package telemetry

import (
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"
)

// Protocol is how figures are pushed to a server.
type Protocol uint8

// The protocols (reference/config.md §6).
const (
	Statsd    Protocol = iota // datagrams; labels become words of the name
	Statsite                  // the same lines over TCP
	DogStatsD                 // datagrams with tags; no host name, which that server adds
)

func (p Protocol) String() string { return [...]string{"statsd", "statsite", "DogStatsD"}[p] }

// Sink is a server that figures are pushed to.
type Sink struct {
	Protocol Protocol
	Address  string   // host:port; of DogStatsD also unix:// and the path of a datagram socket
	Tags     []string // sent with every figure by DogStatsD, as name:value
}

func (s Sink) String() string { return s.Protocol.String() + " at " + s.Address }

func (s Sink) target() (network, address string) {
	if path, ok := strings.CutPrefix(s.Address, "unix://"); ok {
		return "unixgram", path
	}
	if s.Protocol == Statsite {
		return "tcp", s.Address
	}
	return "udp", s.Address
}

const (
	// queuedLines bounds what waits for a sink: a second of a busy server's
	// Raft and gossip. What does not fit is dropped.
	queuedLines = 4096
	// packetBytes is what fits into a datagram on any network.
	packetBytes  = 1400
	pushEvery    = time.Second
	dialTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
	lastWords    = time.Second // for what waits when the agent ends
	firstPause   = time.Second // after a failure; doubles
	longestPause = time.Minute
)

// pusher sends figures to one Sink. As a MetricSink it never blocks.
type pusher struct {
	Sink
	host   string // the word of a gauge's name that DogStatsD does not get
	logger hclog.Logger
	queue  chan []byte

	dropped atomic.Uint64 // lines since the last push

	// What only run uses.
	told     map[*series]mark // what was sent of a series
	packet   []byte
	broken   bool // the sink is out of reach, and the log says so
	dropping bool // likewise
	met      bool // it was told of the gauges that exist
}

func newPusher(s Sink, host string, logger hclog.Logger) *pusher {
	return &pusher{
		Sink: s, host: host, logger: logger, queue: make(chan []byte, queuedLines),
		told: map[*series]mark{}, packet: make([]byte, 0, packetBytes),
	}
}

// probe returns the reason why the sink cannot be reached.
func (p *pusher) probe() error {
	network, address := p.target()
	conn, err := net.DialTimeout(network, address, dialTimeout)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", p.Sink, err)
	}
	return conn.Close()
}

// run pushes until ctx ends. It survives whatever the sink does.
func (p *pusher) run(ctx context.Context, m *Metrics) error {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := p.session(ctx, m)
		if ctx.Err() != nil {
			break
		}
		if !p.broken {
			p.logger.Warn("metrics sink is out of reach; trying again until it is back", "sink", p.Sink.String(), "error", err)
			p.broken = true
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		p.discard(ctx, pause)
		pause = min(2*pause, longestPause)
	}
	return nil
}

// session pushes over one connection until that breaks (why) or ctx ends.
func (p *pusher) session(ctx context.Context, m *Metrics) error {
	network, address := p.target()
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Now().Add(lastWords)) })() // runs at most once
	p.introduce(m)
	ticker := time.NewTicker(pushEvery)
	defer ticker.Stop()
	for pushed := 0; ; pushed++ {
		select {
		case <-ctx.Done():
			return p.push(conn, m.shown())
		case <-ticker.C:
		}
		if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if err := p.push(conn, m.shown()); err != nil {
			return err
		}
		// A datagram into the void is refused when the next one is sent.
		if p.broken && pushed > 0 {
			p.broken = false
			p.logger.Info("metrics sink is back", "sink", p.Sink.String())
		}
		p.tellDropped()
	}
}

// introduce tells the sink of what exists. One that has restarted knows no counters, and
// adding 0 changes none. A gauge of 0 is true only before anything was measured; a
// sample of 0 never is.
func (p *pusher) introduce(m *Metrics) {
	counters, gauges := m.declaredNames()
	for _, name := range counters {
		p.enqueue([]string{name}, 0, "c", nil)
	}
	if p.met {
		return
	}
	p.met = true
	for _, name := range gauges {
		p.enqueue(p.words(m, name), 0, "g", nil)
	}
}

// words are the words of a gauge's whole name, which has the host second if at all.
func (p *pusher) words(m *Metrics, name string) []string {
	prefix := m.opts.Prefix + "."
	if rest, ok := strings.CutPrefix(name, prefix+p.host+"."); ok && p.host != "" {
		return []string{m.opts.Prefix, p.host, rest}
	}
	return []string{name}
}

// tellDropped logs when lines begin to be dropped.
func (p *pusher) tellDropped() {
	n := p.dropped.Swap(0)
	if n > 0 && !p.dropping {
		p.logger.Warn("figures dropped: the metrics sink is too slow", "sink", p.Sink.String(), "lines", n)
	}
	p.dropping = n > 0
}

// discard throws away what comes during a pause: it would be old by its end.
func (p *pusher) discard(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-p.queue:
		}
	}
}

// push sends what waits, and what the series took since the last push.
func (p *pusher) push(conn net.Conn, shown []*series) error {
	p.packet = p.packet[:0]
	for range len(p.queue) {
		if err := p.write(conn, <-p.queue); err != nil {
			return err
		}
	}
	for _, s := range shown {
		n, sum, values, now := s.since(p.told[s])
		if n == 0 {
			continue
		}
		p.told[s] = now
		for _, line := range p.seriesLines(s, n, sum, values) {
			if err := p.write(conn, line); err != nil {
				return err
			}
		}
	}
	return p.flush(conn)
}

func (p *pusher) seriesLines(s *series, n uint64, sum float64, values []float64) [][]byte {
	if !s.timed {
		return [][]byte{p.line(s.name, sum, "c", 1, s.labels)}
	}
	lines := make([][]byte, len(values))
	for i, v := range values {
		lines[i] = p.line(s.name, v, "ms", float64(len(values))/float64(n), s.labels)
	}
	return lines
}

// write puts a line into the packet, and sends that first if it is full.
func (p *pusher) write(conn net.Conn, line []byte) error {
	if len(p.packet)+len(line) > packetBytes {
		if err := p.flush(conn); err != nil {
			return err
		}
	}
	p.packet = append(p.packet, line...)
	return nil
}

func (p *pusher) flush(conn net.Conn) error {
	if len(p.packet) == 0 {
		return nil
	}
	_, err := conn.Write(p.packet)
	p.packet = p.packet[:0]
	return err
}

// enqueue never blocks: a sink that does not keep up loses lines.
func (p *pusher) enqueue(key []string, value float32, kind string, labels []Label) {
	if math.IsNaN(float64(value)) {
		return // not a number: these protocols have none for what is not known
	}
	if p.Protocol == DogStatsD && p.host != "" && len(key) > 1 && key[1] == p.host {
		key = slices.Concat(key[:1], key[2:])
	}
	select {
	case p.queue <- p.line(strings.Join(key, "."), float64(value), kind, 1, labels):
	default:
		p.dropped.Add(1)
	}
}

func (p *pusher) SetGauge(key []string, v float32)                      { p.enqueue(key, v, "g", nil) }
func (p *pusher) SetGaugeWithLabels(key []string, v float32, l []Label) { p.enqueue(key, v, "g", l) }
func (p *pusher) IncrCounter(key []string, v float32)                   { p.enqueue(key, v, "c", nil) }
func (p *pusher) IncrCounterWithLabels(key []string, v float32, l []Label) {
	p.enqueue(key, v, "c", l)
}
func (p *pusher) AddSample(key []string, v float32)                      { p.enqueue(key, v, "ms", nil) }
func (p *pusher) AddSampleWithLabels(key []string, v float32, l []Label) { p.enqueue(key, v, "ms", l) }

// EmitKey does nothing: no library of ours uses it, and DogStatsD has no such kind.
func (p *pusher) EmitKey([]string, float32) {}

var _ metrics.MetricSink = (*pusher)(nil)
