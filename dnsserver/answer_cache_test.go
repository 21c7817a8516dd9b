package dnsserver_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// counting counts lookups.
type counting struct {
	*fakeCatalog
	lookups int
}

func (c *counting) Do(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	c.lookups++
	return c.fakeCatalog.Do(ctx, op, req)
}

// following returns a server over f whose replies hold until the channel is closed.
func following(f *fakeCatalog, c dnsserver.Config) (*dnsserver.Server, *counting, chan struct{}) {
	changed := make(chan struct{})
	f.live = &rpc.Live{Changed: []<-chan struct{}{changed}, Age: always.Age}
	counted := &counting{fakeCatalog: f}
	return dnsserver.New(dnsserver.Options{Caller: counted, Datacenter: "dc1", Config: c}), counted, changed
}

func web(n int) *fakeCatalog {
	return &fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(n)}}
}

func TestQuestionAskedAgainNeedsNoLookupUntilItsServiceChanges(t *testing.T) {
	f := web(3)
	s, counted, changed := following(f, defaults())
	for range 500 {
		if got := ask(s, "web.service.consul.", dns.TypeSRV, nil, false); len(got.Answer) != 3 || len(got.Extra) != 3 {
			t.Fatalf("got %v", got)
		}
	}
	if counted.lookups != 2 {
		t.Errorf("%d lookups for 500 answers, want one before it is known that the question comes again, and one", counted.lookups)
	}
	f.services["web"] = many(1)
	close(changed)
	if got := ask(s, "web.service.consul.", dns.TypeSRV, nil, false); len(got.Answer) != 1 {
		t.Errorf("%d answers after a change, want 1", len(got.Answer))
	}
}

func TestNameThatDoesNotExistIsCachedUntilItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := web(0)
		s, counted, changed := following(f, defaults())
		serial := func() uint32 {
			t.Helper()
			got := ask(s, "web.service.consul.", dns.TypeA, nil, false)
			if got.Rcode != dns.RcodeNameError || len(got.Ns) != 1 {
				t.Fatalf("got %v", got)
			}
			return got.Ns[0].(*dns.SOA).Serial
		}
		for range 100 {
			serial()
		}
		if counted.lookups != 2 {
			t.Errorf("%d lookups for 100 answers in a second, want 2", counted.lookups)
		}
		before := serial()
		time.Sleep(2 * time.Second)
		if after := serial(); after != before+2 {
			t.Errorf("the serial is %d two seconds after %d", after, before)
		}
		f.services["web"] = many(1)
		close(changed)
		if got := ask(s, "web.service.consul.", dns.TypeA, nil, false); len(got.Answer) != 1 {
			t.Errorf("after it was registered: %v", got)
		}
	})
}

func TestCachedReplyIsTheAskersOwn(t *testing.T) {
	s, _, _ := following(web(1), defaults())
	for _, row := range []struct {
		name     string
		recurses bool
	}{{"web.service.consul.", true}, {"WEB.service.Consul.", false}, {"web.service.consul.", false}, {"WEB.service.Consul.", true}} {
		for range 5 {
			var id uint16
			got := ask(s, row.name, dns.TypeSRV, func(q *dns.Msg) { q.RecursionDesired, id = row.recurses, q.Id }, false)
			if got.Id != id || got.RecursionDesired != row.recurses || got.Question[0].Name != row.name || got.Answer[0].Header().Name != row.name {
				t.Fatalf("asked for %s with ID %d, RD %v; got %v", row.name, id, row.recurses, got)
			}
			if target := got.Answer[0].(*dns.SRV).Target; !strings.HasSuffix(target, row.name[len("web.service"):]) {
				t.Errorf("target %s of %s", target, row.name)
			}
		}
	}
}

// TestCachedRepliesFitTheirClients asks the same question as clients that take replies
// of different sizes, one after the other.
func TestCachedRepliesFitTheirClients(t *testing.T) {
	s, _, _ := following(web(100), defaults())
	for range 5 {
		for _, row := range []struct {
			edns uint16
			tcp  bool
			want int
		}{{0, false, 3}, {512, false, 3}, {1232, false, 74}, {4096, false, 100}, {0, true, 100}} {
			got := ask(s, "web.service.consul.", dns.TypeA, func(q *dns.Msg) {
				if row.edns > 0 {
					q.SetEdns0(row.edns, false)
				}
			}, row.tcp)
			if len(got.Answer) != row.want {
				t.Errorf("EDNS %d, TCP %v: %d answers, want %d", row.edns, row.tcp, len(got.Answer), row.want)
			}
			if hasOPT := got.IsEdns0() != nil; hasOPT != (row.edns > 0 && row.want == 100) {
				t.Errorf("EDNS %d, TCP %v: OPT in the reply: %v", row.edns, row.tcp, hasOPT)
			}
		}
	}
}

func TestCachedRepliesNameAllInstancesAlike(t *testing.T) {
	const instances, questions = 20, 20000
	s, _, _ := following(web(instances), defaults())
	given := map[string]int{}
	for range questions {
		for _, rr := range ask(s, "web.service.consul.", dns.TypeA, nil, false).Answer {
			given[rr.(*dns.A).A.String()]++
		}
	}
	const fair = questions * 3 / instances
	for address, n := range given {
		if n < fair*8/10 || n > fair*12/10 {
			t.Errorf("%s was given %d times, want about %d", address, n, fair)
		}
	}
	if len(given) != instances {
		t.Errorf("%d of %d instances were given", len(given), instances)
	}
}

func TestReloadForgetsCachedReplies(t *testing.T) {
	s, _, _ := following(web(1), defaults())
	for range 3 {
		ask(s, "web.service.consul.", dns.TypeA, nil, false)
	}
	c := defaults()
	c.ServiceTTL = map[string]time.Duration{"*": 7 * time.Second}
	s.Configure(c)
	if ttl := ask(s, "web.service.consul.", dns.TypeA, nil, false).Answer[0].Header().Ttl; ttl != 7 {
		t.Errorf("TTL %d after a reload, want 7", ttl)
	}
}

func TestRandomNamesDoNotPushOutWhatIsAskedAgain(t *testing.T) {
	s, counted, _ := following(web(1), defaults())
	for range 3 {
		ask(s, "web.service.consul.", dns.TypeA, nil, false)
	}
	for i := range 50000 {
		ask(s, fmt.Sprintf("x%d.service.consul.", i), dns.TypeA, nil, false)
	}
	before := counted.lookups
	ask(s, "web.service.consul.", dns.TypeA, nil, false)
	if counted.lookups != before {
		t.Error("the reply had to be made anew")
	}
}

func TestStaleAnswerSaysSoAndIsNotCached(t *testing.T) {
	f := web(1)
	age := time.Duration(0)
	f.live = &rpc.Live{Age: func() time.Duration { return age }}
	s := newServer(f, defaults())
	stale := func() bool {
		t.Helper()
		got := ask(s, "web.service.consul.", dns.TypeA, func(q *dns.Msg) { q.SetEdns0(1232, false) }, false)
		if len(got.Answer) != 1 {
			t.Fatalf("got %v", got)
		}
		return slices.ContainsFunc(got.IsEdns0().Option, func(o dns.EDNS0) bool {
			ede, ok := o.(*dns.EDNS0_EDE)
			return ok && ede.InfoCode == dns.ExtendedErrorCodeStaleAnswer
		})
	}
	for range 3 {
		if stale() {
			t.Error("a fresh answer says it is stale")
		}
	}
	age = time.Minute
	for range 3 {
		if !stale() {
			t.Error("an answer of a minute ago does not say so")
		}
	}
	age = 0
	if stale() {
		t.Error("it is still stale")
	}
}

func TestErrorsAndForeignNamesAreNotCached(t *testing.T) {
	f := &fakeCatalog{err: fault.New(fault.NoLeader, "No cluster leader")}
	s, counted, _ := following(f, defaults())
	for i := range 4 {
		if got := ask(s, "web.service.consul.", dns.TypeA, nil, false); got.Rcode != dns.RcodeServerFailure {
			t.Fatalf("got %v", got)
		}
		if counted.lookups != i+1 {
			t.Fatalf("%d lookups for %d questions", counted.lookups, i+1)
		}
	}
	f.err = nil
	f.services = map[string][]*catalog.InstanceHealth{"web": {instance("ext", "db.example.com", "web", 80, nil)}}
	before := counted.lookups
	for range 4 {
		ask(s, "web.service.consul.", dns.TypeA, nil, false)
	}
	if counted.lookups != before+4 {
		t.Errorf("%d lookups for 4 questions whose answer is another's name", counted.lookups-before)
	}
}

// TestThousandsOfInstancesOverTCP asks over a real connection.
func TestThousandsOfInstancesOverTCP(t *testing.T) {
	f := web(5000)
	f.live = always
	addr := running(t, f)
	for _, row := range []struct {
		qtype uint16
		want  int
	}{{dns.TypeA, 4092}, {dns.TypeSRV, 1024}} {
		q := new(dns.Msg).SetQuestion("web.service.consul.", row.qtype)
		client := &dns.Client{Net: "tcp", Timeout: 10 * time.Second}
		for range 3 {
			got, _, err := client.Exchange(q, addr)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, rr := range got.Answer {
				seen[rr.String()] = true
			}
			if len(seen) != row.want || got.Truncated {
				t.Errorf("%s: %d different answers, truncated %v; want %d", dns.TypeToString[row.qtype], len(seen), got.Truncated, row.want)
			}
		}
	}
}

// TestQuestionsOnOneConnectionAreAnsweredInTurn sends many before it reads any reply.
func TestQuestionsOnOneConnectionAreAnsweredInTurn(t *testing.T) {
	f := web(3)
	f.live = always
	conn, err := net.DialTimeout("tcp", running(t, f), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	const questions = 50
	var sent bytes.Buffer
	for i := range questions {
		q := new(dns.Msg).SetQuestion("web.service.consul.", dns.TypeA)
		q.Id = uint16(i)
		packed, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		sent.Write([]byte{byte(len(packed) >> 8), byte(len(packed))})
		sent.Write(packed)
	}
	if _, err := conn.Write(sent.Bytes()); err != nil {
		t.Fatal(err)
	}
	replies := &dns.Conn{Conn: conn}
	for i := range questions {
		got, err := replies.ReadMsg()
		if err != nil || got.Id != uint16(i) || len(got.Answer) != 3 {
			t.Fatalf("reply %d: %v, %v", i, got, err)
		}
	}
}
