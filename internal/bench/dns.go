package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/miekg/dns"
)

// dnsWorkers ask at once.
const dnsWorkers = 32

// serveEcho is the limit that answers over UDP are held against: it sends every
// datagram back. It runs as a process of its own, as the agents do.
func serveEcho(address string) error {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	udp, buf := conn.(*net.UDPConn), make([]byte, 65535)
	for {
		n, from, err := udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if _, err := udp.WriteToUDPAddrPort(buf[:n], from); err != nil {
			return err
		}
	}
}

func limitUDP(b *bench) string {
	self, err := os.Executable()
	must(err)
	a := &agent{name: "echo", ip: "127.88.1.98", program: self}
	a.args = []string{"-echo", a.ip + ":8600"}
	b.agents = append(b.agents, a)
	a.run(b)
	settle()
	query, err := new(dns.Msg).SetQuestion("svc-0.service.consul.", dns.TypeA).Pack()
	must(err)
	return b.asking("udp", a, query, func(reply []byte) bool { return len(reply) == len(query) })
}

// dnsKind is a question and how many instances its service has.
type dnsKind struct {
	network   string
	qtype     uint16
	instances int
	edns      uint16 // size of reply that the client takes; 0 = it does not say
}

// answers measures questions for one service; through a client agent if there is
// to be one.
func (k dnsKind) answers(throughClient bool) func(b *bench) string {
	return func(b *bench) string {
		server := b.lone()
		server.fill(k.instances)
		asked := server
		if throughClient {
			asked = b.start(2, "-retry-join", server.ip)
			eventually(func() bool { return asked.try("GET", "/v1/health/service/svc-0", "") })
			b = b.only(asked)
		}
		name, rcode := "svc-0.service.consul.", dns.RcodeSuccess
		if k.instances == 0 {
			name, rcode = "nothing.service.consul.", dns.RcodeNameError
		}
		q := new(dns.Msg).SetQuestion(name, k.qtype)
		if k.edns > 0 {
			q.SetEdns0(k.edns, false)
		}
		query, err := q.Pack()
		must(err)
		return b.asking(k.network, asked, query, func(reply []byte) bool {
			// The low half of byte 3 is the rcode, bytes 6 and 7 count the answers.
			return len(reply) > 12 && int(reply[3]&15) == rcode && (reply[6] > 0 || reply[7] > 0) == (k.instances > 0)
		})
	}
}

// asking has workers ask the same question, each over a connection of its own.
func (b *bench) asking(network string, a *agent, query []byte, right func(reply []byte) bool) string {
	ask, hangUp := asker(network, a, query, right)
	defer hangUp()
	return b.drive(dnsWorkers, ask)
}

// asker connects dnsWorkers workers.
func asker(network string, a *agent, query []byte, right func(reply []byte) bool) (ask func(worker, i int) bool, hangUp func()) {
	conns := make([]net.Conn, dnsWorkers)
	for i := range conns {
		c, err := net.DialTimeout(network, a.ip+":8600", time.Second)
		must(err)
		conns[i] = c
	}
	bufs := make([][]byte, dnsWorkers)
	for i := range bufs {
		bufs[i] = make([]byte, 65535)
	}
	ask = func(w, i int) bool {
		c, buf := conns[w], bufs[w]
		if i%256 == 0 {
			c.SetDeadline(time.Now().Add(5 * time.Second))
		}
		if network == "tcp" {
			d := dns.Conn{Conn: c}
			if _, err := d.Write(query); err != nil {
				return false
			}
			n, err := d.Read(buf)
			return err == nil && right(buf[:n])
		}
		if _, err := c.Write(query); err != nil {
			return false
		}
		n, err := c.Read(buf)
		return err == nil && right(buf[:n])
	}
	return ask, func() {
		for _, c := range conns {
			c.Close()
		}
	}
}

// resolverBytes is what resolvers commonly say they take over UDP.
const resolverBytes = 1232

// dnsMeasurements are the answers to each kind of question over each network.
func dnsMeasurements() []measurement {
	var list []measurement
	for _, network := range []string{"udp", "tcp"} {
		for _, k := range []struct {
			name string
			kind dnsKind
		}{
			{"A, 3 instances", dnsKind{qtype: dns.TypeA, instances: 3}},
			{"A, 100 instances", dnsKind{qtype: dns.TypeA, instances: 100}},
			{"SRV, 3 instances", dnsKind{qtype: dns.TypeSRV, instances: 3}},
			{"SRV, 100 instances", dnsKind{qtype: dns.TypeSRV, instances: 100, edns: resolverBytes}},
			{"NXDOMAIN", dnsKind{qtype: dns.TypeA}},
		} {
			k.kind.network = network
			list = append(list, measurement{fmt.Sprintf("dns %s, %s, %d clients", network, k.name, dnsWorkers), k.kind.answers(false)})
		}
	}
	through := dnsKind{network: "udp", qtype: dns.TypeA, instances: 3}
	return append(list, measurement{fmt.Sprintf("dns udp, A, 3 instances, through a client agent, %d clients", dnsWorkers), through.answers(true)})
}
