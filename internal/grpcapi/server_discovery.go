package grpcapi

import (
	"github.com/hashicorp/consul/proto-public/pbserverdiscovery"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// serverDiscovery tells clients which servers there are.
type serverDiscovery struct {
	pbserverdiscovery.UnimplementedServerDiscoveryServiceServer
	api *Server
}

// WatchServers implements pbserverdiscovery.ServerDiscoveryServiceServer: it sends the
// servers now, and again whenever they change.
func (s *serverDiscovery) WatchServers(req *pbserverdiscovery.WatchServersRequest, stream grpc.ServerStreamingServer[pbserverdiscovery.WatchServersResponse]) error {
	ctx := stream.Context()
	var sent *pbserverdiscovery.WatchServersResponse
	for after := uint64(0); ; {
		if err := s.api.inMesh(ctx); err != nil {
			return err
		}
		list, index, err := s.api.opts.Servers(ctx, after)
		if err != nil {
			return err
		}
		after = index
		rep := &pbserverdiscovery.WatchServersResponse{}
		for _, info := range list {
			server := &pbserverdiscovery.Server{Id: info.ID, Address: info.Address, Version: info.Version}
			if req.Wan {
				server.Address = info.WAN
			}
			rep.Servers = append(rep.Servers, server)
		}
		if sent != nil && proto.Equal(rep, sent) {
			continue
		}
		if err := stream.Send(rep); err != nil {
			return err
		}
		sent = rep
	}
}
