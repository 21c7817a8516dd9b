package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"praetor/catalog"
)

// newUDP builds a check that passes unless the other side refuses: an answer
// is good, silence too (reference/config.md §8.1).
func newUDP(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	timeout := orDefault(d.Timeout, networkTimeout)
	dial := o.Dial
	return newPeriodic(c, o, func(ctx context.Context) result {
		if err := exchange(ctx, dial, d.UDP, timeout); err != nil {
			return result{status: catalog.Critical, output: err.Error()}
		}
		return result{status: catalog.Passing, output: fmt.Sprintf("UDP connect %s: Success", d.UDP)}
	}), nil
}

// exchange sends one datagram and waits for one, or for the timeout.
func exchange(ctx context.Context, dial dialer, address string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dial(ctx, "udp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) }) // done or stopped before return
	defer stop()
	if _, err := conn.Write([]byte("praetor")); err != nil {
		return err
	}
	var buf [1]byte
	_, err = conn.Read(buf[:])
	var neterr net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &neterr) && neterr.Timeout() {
		return nil
	}
	return err
}
