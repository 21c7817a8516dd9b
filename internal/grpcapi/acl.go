package grpcapi

import (
	"context"
	"strings"

	"github.com/hashicorp/consul/proto-public/pbacl"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// aclService makes tokens for those whom an auth method knows, and removes them.
type aclService struct {
	pbacl.UnimplementedACLServiceServer
	api *Server
}

// Login implements pbacl.ACLServiceServer.
func (s *aclService) Login(ctx context.Context, req *pbacl.LoginRequest) (*pbacl.LoginResponse, error) {
	rep, err := ops.ACLLogin.Call(ctx, s.api.opts.Caller, &ops.ACLLoginRequest{
		WriteOptions: rpc.WriteOptions{Datacenter: req.Datacenter}, AuthMethod: req.AuthMethod, Bearer: req.BearerToken, Meta: req.Meta,
	})
	if err == nil {
		return &pbacl.LoginResponse{Token: &pbacl.LoginToken{AccessorId: rep.Token.Row.AccessorID, SecretId: rep.Token.Row.SecretID}}, nil
	}
	if unknown, ok := strings.CutPrefix(err.Error(), "ACL not found: "); ok {
		return nil, status.Error(codes.InvalidArgument, unknown)
	}
	if fault.KindOf(err) == fault.Rejected && err.Error() != textDisabled && err.Error() != rpc.TextNoPath {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return nil, err
}

// Logout implements pbacl.ACLServiceServer. A token that is gone already is no fault.
func (s *aclService) Logout(ctx context.Context, req *pbacl.LogoutRequest) (*pbacl.LogoutResponse, error) {
	if req.Token == "" {
		return nil, status.Error(codes.InvalidArgument, "token is required")
	}
	_, err := ops.ACLLogout.Call(ctx, s.api.opts.Caller, &ops.ACLLogoutRequest{
		WriteOptions: rpc.WriteOptions{Datacenter: req.Datacenter, Token: req.Token},
	})
	if status.Code(toStatus(err)) == codes.Unauthenticated {
		err = nil
	}
	return &pbacl.LogoutResponse{}, err
}
