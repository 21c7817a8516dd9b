package checks

import (
	"context"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"praetor/catalog"
)

// newGRPC builds a check that asks the standard health service of a gRPC
// server; what follows a slash in the address names the service to ask about.
func newGRPC(c *catalog.Check, o *Options) (Runner, error) {
	d := &c.Definition
	timeout := orDefault(d.Timeout, networkTimeout)
	address, service, _ := strings.Cut(d.GRPC, "/")
	dial := o.Dial
	options := []grpc.DialOption{
		grpc.WithUserAgent(userAgent),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dial(ctx, "tcp", address)
		}),
	}
	return newPeriodic(c, o, func(ctx context.Context) result {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		creds := insecure.NewCredentials()
		if d.GRPCUseTLS {
			creds = credentials.NewTLS(o.tlsConfig(d))
		}
		status, err := grpcHealth(ctx, address, service, append(options[:len(options):len(options)], grpc.WithTransportCredentials(creds)))
		switch {
		case err != nil:
			return result{status: catalog.Critical, output: err.Error()}
		case status != healthv1.HealthCheckResponse_SERVING:
			return result{status: catalog.Critical, output: fmt.Sprintf("gRPC %s serving status: %s", d.GRPC, status)}
		}
		return result{status: catalog.Passing, output: fmt.Sprintf("gRPC check %s: success", d.GRPC)}
	}), nil
}

func grpcHealth(ctx context.Context, address, service string, options []grpc.DialOption) (healthv1.HealthCheckResponse_ServingStatus, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	reply, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		return 0, err
	}
	return reply.Status, nil
}
