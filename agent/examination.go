package agent

import (
	"context"
	"net"
	"slices"

	"praetor/internal/doctor"
)

// Examine has the doctor look at this agent, its cluster and its machine, with the
// rights of token. One examination runs at a time: it asks other machines.
func (a *Agent) Examine(ctx context.Context, token string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, doctor.Timeout)
	defer cancel()
	select {
	case a.examining <- struct{}{}:
		defer func() { <-a.examining }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	client, err := doctor.Within(a.api, token)
	if err != nil {
		return nil, err
	}
	return doctor.Examine(ctx, doctor.Options{Client: client, Address: a.apiAddress(), DataDir: a.dir.path}), nil
}

// apiAddress is an address of this machine at which the API answers, "" where it is
// 127.0.0.1 or a socket in the file system.
func (a *Agent) apiAddress() string {
	for _, l := range slices.Concat(a.bound.http, a.bound.https) {
		if at, ok := l.Addr().(*net.TCPAddr); ok && !at.IP.IsUnspecified() {
			return at.String()
		}
	}
	return ""
}
