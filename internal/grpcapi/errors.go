package grpcapi

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

var codeOf = map[fault.Kind]codes.Code{
	fault.Internal: codes.Internal, fault.Invalid: codes.InvalidArgument, fault.Rejected: codes.Internal, fault.NotFound: codes.NotFound,
	fault.Denied: codes.PermissionDenied, fault.Conflict: codes.Aborted, fault.NoLeader: codes.Unavailable, fault.Limit: codes.ResourceExhausted,
	fault.TooLarge: codes.InvalidArgument, fault.Overloaded: codes.ResourceExhausted,
}

const (
	textUnknownToken = "ACL not found"
	textDisabled     = "ACL support disabled"
)

// toStatus words a fault as gRPC does.
func toStatus(err error) error {
	if _, ok := status.FromError(err); ok { // nil too
		return err
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, text)
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, text)
	case text == textDisabled:
		return status.Error(codes.FailedPrecondition, text)
	case text == rpc.TextNoPath:
		return status.Error(codes.Unavailable, "resolver error: resolver produced no addresses")
	case fault.KindOf(err) == fault.Denied && strings.HasSuffix(text, textUnknownToken):
		return status.Error(codes.Unauthenticated, textUnknownToken)
	}
	return status.Error(codeOf[fault.KindOf(err)], text)
}
