package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
)

// Texts that clients parse (reference/internals.md §12).
const (
	TextNoLeader          = "No cluster leader"
	TextNoServers         = "No known Consul servers"
	TextNoPath            = "No path to datacenter"
	TextRemoteUnreachable = "Remote DC has no server currently reachable"

	textRelayed = "rpc error making call: " // before what another server decided, once per hop
)

func errNoLeader() error { return fault.New(fault.NoLeader, TextNoLeader) }
func errNoPath() error   { return fault.New(fault.Rejected, TextNoPath) }

// ended makes the error a caller sees. A context that ended explains more than
// what the last attempt ran into.
func (r *Router) ended(ctx context.Context, op *Desc, req Message, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Internal, "%s: no answer within %s: %w", op.Name, r.patience(req), err)
	}
	return err
}

// faultCode plus a kind is the gRPC status code of a handler's fault. gRPC
// itself makes codes up to 16, so a fault of the transport never looks like one.
const faultCode codes.Code = 100

// toStatus packs an error for the wire.
func toStatus(err error) error {
	kind, text, hint, whole := fault.Internal, err.Error(), "", ""
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		kind, text, hint = f.Kind, f.Text, f.Hint
		if err != error(f) {
			whole = err.Error()
		}
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, text)
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, text)
	}
	return status.Error(faultCode+codes.Code(kind), packTexts(text, hint, whole))
}

// fromStatus unpacks what toStatus packed; nil if st did not come from a handler.
func fromStatus(st *status.Status) error {
	if st.Code() < faultCode {
		return nil
	}
	kind := fault.Kind(0)
	if k := st.Code() - faultCode; k <= codes.Code(fault.Overloaded) {
		kind = fault.Kind(k)
	}
	text, hint, whole, ok := unpackTexts(st.Message())
	if !ok {
		return &fault.Error{Kind: kind, Text: st.Message()}
	}
	f := &fault.Error{Kind: kind, Text: text, Hint: hint}
	if whole == "" {
		return f
	}
	return &wrapped{whole, f}
}

// wrapped is a fault with the words that were put around it on the other side.
type wrapped struct {
	text string
	err  *fault.Error
}

func (w *wrapped) Error() string { return w.text }
func (w *wrapped) Unwrap() error { return w.err }

// relayed words a fault of the server that was asked. What it decided is told apart
// from what this agent decides itself; that something is not there, or that nobody
// answers, reads the same wherever it was found out (reference/http-api.md §2.3).
func relayed(f error) error {
	switch text := f.Error(); fault.KindOf(f) {
	case fault.Denied, fault.Rejected, fault.Internal:
		if text != TextNoPath && text != TextRemoteUnreachable {
			return fmt.Errorf(textRelayed+"%w", f)
		}
	}
	return f
}

// packTexts joins the parts of an error as "LEN,LEN:" text hint whole. gRPC
// replaces bytes that are not UTF-8, which would make the lengths wrong, so
// they are replaced first.
func packTexts(text, hint, whole string) string {
	text, hint, whole = valid(text), valid(hint), valid(whole)
	return fmt.Sprintf("%d,%d:%s%s%s", len(text), len(hint), text, hint, whole)
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func unpackTexts(s string) (text, hint, whole string, ok bool) {
	head, body, ok := strings.Cut(s, ":")
	if !ok {
		return "", "", "", false
	}
	n, m, ok := parseLengths(head)
	if !ok || n > len(body) || m > len(body)-n {
		return "", "", "", false
	}
	return body[:n], body[n : n+m], body[n+m:], true
}

// parseLengths reads "12,0". Lengths of more than 9 digits are refused.
func parseLengths(s string) (n, m int, ok bool) {
	a, b, found := strings.Cut(s, ",")
	n, okA := parseLength(a)
	m, okB := parseLength(b)
	return n, m, found && okA && okB
}

func parseLength(s string) (int, bool) {
	if len(s) == 0 || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
