package grpcapi

import (
	"context"
	"time"

	"github.com/hashicorp/consul/proto-public/pbconnectca"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"praetor/internal/life"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
)

// connectCA is the authority of the mesh.
type connectCA struct {
	pbconnectca.UnimplementedConnectCAServiceServer
	api *Server
}

// retryPause is how long a watch waits after an error that may pass, such as no leader.
const retryPause = time.Second

// WatchRoots implements pbconnectca.ConnectCAServiceServer: it sends the roots now, and
// again whenever they change.
func (s *connectCA) WatchRoots(_ *pbconnectca.WatchRootsRequest, stream grpc.ServerStreamingServer[pbconnectca.WatchRootsResponse]) error {
	ctx := stream.Context()
	req := &ops.ConnectCARootsRequest{ReadOptions: rpc.ReadOptions{Token: tokenOf(ctx), Stale: true}}
	for {
		if err := s.api.inMesh(ctx); err != nil {
			return err
		}
		rep, err := ops.ConnectCARoots.Call(ctx, s.api.opts.Caller, req)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && req.MinIndex == 0:
			return err
		case err != nil:
			if !life.Pause(ctx, retryPause) {
				return ctx.Err()
			}
			continue
		case rep.Index == req.MinIndex:
			continue
		}
		if rep.Index < req.MinIndex { // the state was restored
			rep.Index = 0
		}
		req.MinIndex = rep.Index
		if err := stream.Send(roots(rep)); err != nil {
			return err
		}
	}
}

func roots(rep *ops.ConnectCARootsReply) *pbconnectca.WatchRootsResponse {
	sent := &pbconnectca.WatchRootsResponse{TrustDomain: rep.TrustDomain}
	for _, r := range rep.Roots {
		root := &pbconnectca.CARoot{
			Id: r.ID, Name: r.Name, SerialNumber: r.SerialNumber, SigningKeyId: r.SigningKeyID,
			RootCert: r.RootCert, IntermediateCerts: r.IntermediateCerts, Active: r.Active,
			RotatedOutAt: timestamppb.New(time.Time{}),
		}
		if r.RotatedOut != 0 {
			root.RotatedOutAt = timestamppb.New(time.Unix(0, r.RotatedOut))
		}
		if r.Active {
			sent.ActiveRootId = r.ID
		}
		sent.Roots = append(sent.Roots, root)
	}
	return sent
}

// Sign implements pbconnectca.ConnectCAServiceServer.
func (s *connectCA) Sign(ctx context.Context, req *pbconnectca.SignRequest) (*pbconnectca.SignResponse, error) {
	if req.Csr == "" {
		return nil, status.Error(codes.InvalidArgument, "CSR is required")
	}
	rep, err := ops.ConnectCASign.Call(ctx, s.api.opts.Caller, &ops.ConnectCASignRequest{
		WriteOptions: rpc.WriteOptions{Token: tokenOf(ctx)}, CSR: req.Csr,
	})
	if err != nil && err.Error() == pki.ErrScheme.Error() {
		return nil, status.Error(codes.Internal, "failed to sign leaf certificate")
	}
	if err != nil {
		return nil, err
	}
	return &pbconnectca.SignResponse{CertPem: rep.CertPEM}, nil
}
