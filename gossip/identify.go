package gossip

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// identifyLAN and identifyWAN are how long a member may take to say who it is.
	identifyLAN = 1500 * time.Millisecond
	identifyWAN = 4 * time.Second
	// maxIdentifyBytes bounds request and answer, encrypted.
	maxIdentifyBytes = 2 << 10

	whoAsks    = "praetor identify: question"
	whoAnswers = "praetor identify: answer"
)

// Identity is what an agent says of itself when it is asked at its gossip
// address, in contrast to what others say of it.
type Identity struct {
	Name    string
	ID      string // "" from agents that know no better question than a ping
	Leaving bool   // it is about to go, or has said goodbye already
}

// Is reports whether this is the living agent of a name and an ID, each in any
// case; an ID that is not known on either side is taken for the same.
func (i Identity) Is(name, id string) bool {
	return !i.Leaving && strings.EqualFold(i.Name, name) && (i.ID == "" || id == "" || strings.EqualFold(i.ID, id))
}

// identityRequest and identityAnswer cross the network as JSON, in a frame:
// one byte that is 1 if the rest is encrypted, its length in two bytes, and it.
type identityRequest struct{ Nonce []byte }

type identityAnswer struct {
	Nonce []byte
	Identity
}

var errNoNonce = errors.New("question without a nonce")

// Identify asks whoever is at a member's gossip address, over TCP, who it is.
// The error says that nobody answered in time: where nothing listens, after a tenth of a
// second (LAN), else after a second or two (LAN), four (WAN). Agents that do not know the
// request are pinged by the name of the member. One that answers though it was
// taken for gone is told so.
func (p *Pool) Identify(ctx context.Context, m Member) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, p.patience())
	defer cancel()
	pinged := make(chan error, 1)
	go func() { // ends by itself after memberlist's probe time-out
		_, err := p.serf.Memberlist().Ping(m.Name, &net.UDPAddr{IP: m.Addr, Port: int(m.Port)})
		pinged <- err
	}()
	who, err := p.askIdentity(ctx, m)
	if err == nil {
		p.meetAgain(m, who)
		return who, nil
	}
	if isRefused(err) { // only where a firewall refuses in its place may the ping be answered, and soon
		ctx, cancel = context.WithTimeout(ctx, p.probeTimeout/5)
		defer cancel()
	}
	select {
	case perr := <-pinged:
		if perr == nil {
			return Identity{Name: m.Name}, nil
		}
	case <-ctx.Done():
	}
	return Identity{}, err
}

// meetAgain has a member that answers, though memberlist takes it for gone,
// exchange states with this one, so that it hears what is said of it.
func (p *Pool) meetAgain(m Member, who Identity) {
	if p.intents.isAlive(m.Name) || !who.Is(m.Name, m.Tags[tagID]) {
		return
	}
	select {
	case p.meet <- m:
	default: // enough are waiting; whoever asks comes again
	}
}

func (p *Pool) patience() time.Duration {
	if p.wan {
		return identifyWAN
	}
	return identifyLAN
}

// askIdentity asks over a connection of its own.
func (p *Pool) askIdentity(ctx context.Context, m Member) (Identity, error) {
	deadline, _ := ctx.Deadline()
	a := memberlist.Address{Addr: net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port))), Name: m.Name}
	c, err := p.guard.NodeAwareTransport.DialAddressTimeout(a, time.Until(deadline))
	if err != nil {
		return Identity{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := c.SetDeadline(deadline); err != nil {
		return Identity{}, err
	}
	q := identityRequest{Nonce: make([]byte, 16)}
	if _, err := rand.Read(q.Nonce); err != nil {
		return Identity{}, err
	}
	sealed := p.ring != nil && p.verifyOutgoing
	frame, err := p.frame(q, sealed, whoAsks)
	if err != nil {
		return Identity{}, err
	}
	if _, err := c.Write(append([]byte{wireIdentify}, frame...)); err != nil {
		return Identity{}, err
	}
	return p.readIdentity(c, q, sealed)
}

// readIdentity reads the answer, which must be as well protected as the request.
func (p *Pool) readIdentity(c net.Conn, q identityRequest, sealed bool) (Identity, error) {
	var answer identityAnswer
	m := &message{}
	m.grow = func(n int) error {
		had := len(m.got)
		m.got = append(m.got, make([]byte, n)...)
		_, err := io.ReadFull(c, m.got[had:])
		return err
	}
	wasSealed, err := p.unframe(m, whoAnswers, &answer)
	switch {
	case err != nil:
		return Identity{}, err
	case wasSealed != sealed || subtle.ConstantTimeCompare(answer.Nonce, q.Nonce) != 1:
		return Identity{}, errNotSealed
	}
	return answer.Identity, nil
}

// answerIdentity answers the request at the beginning of a stream. Without the
// key, where one is asked for, there is no answer.
func (p *Pool) answerIdentity(c net.Conn, request *message) error {
	var q identityRequest
	sealed, err := p.unframe(request, whoAsks, &q)
	switch {
	case err != nil:
		return err
	case p.ring != nil && !sealed && p.verifyIncoming:
		return errNotSealed
	case len(q.Nonce) == 0:
		return errNoNonce
	}
	frame, err := p.frame(identityAnswer{Nonce: q.Nonce, Identity: p.identity()}, sealed, whoAnswers)
	if err != nil {
		return err
	}
	_, err = c.Write(frame)
	return err
}

// identity is what this agent says of itself.
func (p *Pool) identity() Identity {
	return Identity{Name: p.name, ID: p.id, Leaving: p.goodbye.Load()}
}

// frame encodes a request or an answer.
func (p *Pool) frame(value any, sealed bool, purpose string) ([]byte, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, 3)
	if sealed {
		frame[0] = 1
		if body, err = seal(p.ring, body, purpose); err != nil {
			return nil, err
		}
	}
	if len(body) > maxIdentifyBytes {
		return nil, errTooLong
	}
	binary.BigEndian.PutUint16(frame[1:], uint16(len(body)))
	return append(frame, body...), nil
}

// unframe decodes one, and reports whether it was encrypted.
func (p *Pool) unframe(m *message, purpose string, into any) (sealed bool, err error) {
	head, err := m.take(3)
	if err != nil {
		return false, err
	}
	sealed = head[0] == 1
	n := int(binary.BigEndian.Uint16(head[1:]))
	if n > maxIdentifyBytes {
		return sealed, errTooLong
	}
	body, err := m.take(n)
	if err != nil {
		return sealed, err
	}
	if sealed {
		if p.ring == nil {
			return sealed, errNotSealed
		}
		if body, err = unseal(p.ring, body, purpose); err != nil {
			return sealed, err
		}
	}
	return sealed, json.Unmarshal(body, into)
}
