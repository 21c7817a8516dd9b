package gossip_test

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/gossip"
)

// packed is memberlist's compress message of some bytes.
func packed(t testing.TB, plain []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := lzw.NewWriter(&buf, lzw.LSB, 8)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	w.Close()
	raw, err := gossip.EncodeValue(9, struct {
		Algo uint8
		Buf  []byte
	}{0, buf.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// compound is memberlist's message that holds several.
func compound(parts ...[]byte) []byte {
	buf := []byte{7, byte(len(parts))}
	for _, p := range parts {
		buf = binary.BigEndian.AppendUint16(buf, uint16(len(p)))
	}
	return append(buf, bytes.Join(parts, nil)...)
}

func checksummed(message []byte) []byte {
	buf := binary.BigEndian.AppendUint32([]byte{12}, crc32.ChecksumIEEE(message))
	return append(buf, message...)
}

func TestPacketsAreTakenAsMembersMakeThem(t *testing.T) {
	ping, err := gossip.EncodeValue(0, struct {
		SeqNo uint32
		Node  string
	}{1, "m1"})
	if err != nil {
		t.Fatal(err)
	}
	user := []byte("\x08anything")
	for name, row := range map[string]struct {
		packet []byte
		want   []byte // nil if it is refused
	}{
		"ping":                          {ping, ping},
		"serf's":                        {user, user},
		"several":                       {compound(ping, user), compound(ping, user)},
		"compressed":                    {packed(t, ping), ping},
		"checksum":                      {checksummed(ping), ping},
		"all of it":                     {checksummed(packed(t, compound(user, ping))), compound(user, ping)},
		"nothing":                       {nil, nil},
		"compressed nothing":            {packed(t, nil), nil},
		"wrong checksum":                {append([]byte{12, 0, 0, 0, 0}, ping...), nil},
		"compressed in compressed":      {packed(t, packed(t, ping)), nil},
		"compressed in several":         {compound(packed(t, ping)), nil},
		"several in several":            {compound(compound(ping)), nil},
		"several, cut off":              {compound(ping, user)[:8], nil},
		"bomb of 39 MB":                 {packed(t, make([]byte, 39<<20)), nil},
		"text of 4 GB":                  {[]byte{3, 0x81, 0xa4, 'N', 'o', 'd', 'e', 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'}, nil},
		"map of 4 billion":              {[]byte{3, 0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0}, nil},
		"20,000 arrays in each other":   {append([]byte{3}, bytes.Repeat([]byte{0x91}, 20000)...), nil},
		"state, which comes in streams": {[]byte{6, 0x80}, nil},
		"with a label":                  {append([]byte{244, 1, 'x'}, ping...), nil},
	} {
		got, err := gossip.CheckPacket(row.packet)
		if (err == nil) != (row.want != nil) || err == nil && !bytes.Equal(got, row.want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What a stream claims to bring costs nothing before it comes.
func TestStreamsCostWhatTheyBring(t *testing.T) {
	encode := func(kind byte, value any) []byte {
		raw, err := gossip.EncodeValue(kind, value)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	nodes := encode(msgPushPull, stateHeader{Nodes: 1 << 20, UserStateLen: 100})
	state := encode(msgPushPull, stateHeader{UserStateLen: 20 << 20})
	for name, message := range map[string][]byte{
		"a million members":         nodes,
		"20 MB of state":            state,
		"20 MB of message":          encode(msgUser, struct{ UserMsgLen int }{20 << 20}),
		"a million members, packed": packed(t, nodes),
		"a million empty members":   append(bytes.Clone(nodes), bytes.Repeat([]byte{0x80}, 1<<20)...),
		"packed bomb":               packed(t, append(bytes.Clone(state), make([]byte, 39<<20)...)),
		"encrypted, 20 MB":          {10, 0x01, 0x40, 0, 0},
		"compressed, 4 GB":          {9, 0x82, 0xa4, 'A', 'l', 'g', 'o', 0, 0xa3, 'B', 'u', 'f', 0xc6, 0xff, 0xff, 0xff, 0xff},
		"nothing":                   nil,
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				all := w.start(2)
				f := w.forger(nil)
				before := heap()
				const streams = 24
				var open []net.Conn
				for range streams {
					c, err := f.net.DialTimeout(all[0].ip+":8301", time.Second)
					if err != nil {
						t.Fatal(err)
					}
					open = append(open, c)
					go func() { _, _ = c.Write(message) }() // ends when c is closed
				}
				pass(time.Second)
				brought := uint64(streams * len(message))
				if now := heap(); now > before+3*brought+(12<<20) {
					t.Errorf("%d streams of %d bytes take %d MiB", streams, len(message), (now-before)>>20)
				}
				for _, c := range open {
					_ = c.Close()
				}
				pass(15 * time.Second)
				if err := all[0].alive(2); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// One address cannot take all room of a pool, and gives back what it took.
func TestStreamsOfOneAddressLeaveRoomForOthers(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		f := w.forger(nil)
		head, err := gossip.EncodeValue(msgPushPull, stateHeader{UserStateLen: 20 << 20})
		if err != nil {
			t.Fatal(err)
		}
		before := heap()
		var open []net.Conn
		for range 12 {
			c, err := f.net.DialTimeout(all[0].ip+":8301", time.Second)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
			go func() { _, _ = c.Write(append(bytes.Clone(head), make([]byte, 19<<20)...)) }() // ends when c is closed
		}
		pass(2 * time.Second)
		if now := heap(); now > before+(12+1)*20<<20 {
			t.Errorf("takes %d MiB", (now-before)>>20)
		}
		m3 := w.open(3, w.options("m3", 3))
		if _, err := m3.Join([]string{ip(1)}); err != nil {
			t.Errorf("nobody else gets in: %v", err)
		}
		for _, c := range open {
			_ = c.Close()
		}
		pass(15 * time.Second)
		if err := all[0].alive(3); err != nil {
			t.Error(err)
		}
	})
}

func TestLogLinesAboutBadPacketsAreThinnedOut(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": bytes.Repeat([]byte{7}, 32)} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, w *world) {
				var log lockedBuffer
				opts := w.options("m1", 1)
				opts.EncryptKey = key
				opts.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Info})
				m1 := w.open(1, opts)
				f := w.forger(nil)
				for i := range 5000 {
					f.send([]byte(fmt.Sprintf("garbage %d", i)), m1)
					f.send([]byte{8, 200, byte(i)}, m1)
					f.send([]byte{0, 0x80}, m1)
					pass(time.Millisecond)
				}
				pass(time.Minute)
				text := log.String()
				if lines := strings.Count(text, "\n"); lines > 60 {
					t.Errorf("%d lines:\n%s", lines, text[:2000])
				}
				if !strings.Contains(text, "more messages of a kind were not logged") || !strings.Contains(text, "count=") {
					t.Errorf("nothing says how many:\n%s", text)
				}
			})
		})
	}
}

func FuzzCheckPacket(f *testing.F) {
	ping, _ := gossip.EncodeValue(0, struct{ SeqNo uint32 }{1})
	f.Add(ping)
	f.Add(packed(f, compound(ping, ping)))
	f.Add(checksummed(compound(ping)))
	f.Add([]byte{3, 0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if plain, err := gossip.CheckPacket(packet); err == nil && len(plain) > 64<<10+len(packet) {
			t.Errorf("%d bytes became %d", len(packet), len(plain))
		}
	})
}
