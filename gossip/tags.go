package gossip

import (
	"net"
	"strconv"
	"strings"
	"time"

	"praetor/internal/version"
)

// The tags members carry, reference/internals.md §1.
const (
	tagRole             = "role"
	tagDatacenter       = "dc"
	tagID               = "id"
	tagSegment          = "segment"
	tagBuild            = "build"
	tagVersion          = "vsn"
	tagVersionMin       = "vsn_min"
	tagVersionMax       = "vsn_max"
	tagPort             = "port"
	tagRaftVersion      = "raft_vsn"
	tagWANJoinPort      = "wan_join_port"
	tagACLs             = "acls"
	tagFederationStates = "ft_fs"
	tagIntentions       = "ft_si"
	tagBootstrap        = "bootstrap"
	tagExpect           = "expect"
	tagUseTLS           = "use_tls"
	tagGRPCPort         = "grpc_port"
	tagGRPCTLSPort      = "grpc_tls_port"
	tagNonVoter         = "nonvoter"
	tagReadReplica      = "read_replica"
	tagReconnectTimeout = "rc_tm"
)

// What role says.
const (
	roleServer = "consul"
	roleClient = "node"
)

// ClientTags are what a client agent says of itself.
type ClientTags struct {
	ID, Datacenter, Segment string
	// ReconnectTimeout is how long others remember this agent after it failed;
	// 0 leaves it to them.
	ReconnectTimeout time.Duration
}

// Map returns the tags as gossip carries them.
func (t ClientTags) Map() map[string]string {
	tags := commonTags(roleClient, t.ID, t.Datacenter, t.Segment)
	if t.ReconnectTimeout > 0 {
		tags[tagReconnectTimeout] = t.ReconnectTimeout.String()
	}
	return tags
}

// ServerTags are what a server says of itself. Ports that are not positive are left out.
type ServerTags struct {
	ID, Datacenter, Segment string

	RPCPort               int
	WANJoinPort           int // LAN pool only
	GRPCPort, GRPCTLSPort int

	ACLs        bool // ACLs are on
	Bootstrap   bool
	Expect      int // bootstrap_expect; 0 for none
	UseTLS      bool
	ReadReplica bool // never votes
}

// Map returns the tags as gossip carries them.
func (t ServerTags) Map() map[string]string {
	tags := commonTags(roleServer, t.ID, t.Datacenter, t.Segment)
	tags[tagRaftVersion] = "3"
	tags[tagFederationStates] = "1"
	tags[tagIntentions] = "1"
	tags[tagACLs] = "0"
	setPositive(tags, tagPort, t.RPCPort)
	setPositive(tags, tagWANJoinPort, t.WANJoinPort)
	setPositive(tags, tagGRPCPort, t.GRPCPort)
	setPositive(tags, tagGRPCTLSPort, t.GRPCTLSPort)
	setPositive(tags, tagExpect, t.Expect)
	setFlag(tags, tagACLs, t.ACLs)
	setFlag(tags, tagBootstrap, t.Bootstrap)
	setFlag(tags, tagUseTLS, t.UseTLS)
	setFlag(tags, tagReadReplica, t.ReadReplica)
	setFlag(tags, tagNonVoter, t.ReadReplica)
	return tags
}

func commonTags(role, id, dc, segment string) map[string]string {
	return map[string]string{
		tagRole:       role,
		tagDatacenter: dc,
		tagID:         id,
		tagSegment:    segment,
		tagBuild:      version.Compatible + ":", // no revision: ours is none of Consul's
		tagVersion:    "2",
		tagVersionMin: "2",
		tagVersionMax: "3",
	}
}

func setPositive(tags map[string]string, tag string, n int) {
	if n > 0 {
		tags[tag] = strconv.Itoa(n)
	}
}

func setFlag(tags map[string]string, tag string, on bool) {
	if on {
		tags[tag] = "1"
	}
}

// ServerInfo is what a server's gossip entry says.
type ServerInfo struct {
	ID         string
	Name       string // node name, without the datacenter of WAN names
	MemberName string // as in the pool
	Datacenter string
	Status     Status

	RPCAddress            string // "ip:port"
	WANJoinPort           int    // 0 if not told
	GRPCPort, GRPCTLSPort int    // 0 if off

	Build       string // version without the revision
	RaftVersion int
	Bootstrap   bool
	Expect      int
	NonVoter    bool
	UseTLS      bool
}

// ParseServer reads a server's tags; ok is false if m is no server or does not
// tell its RPC port. A name "node.dc" loses its datacenter if the member is of
// a WAN pool, which shows by the missing WAN join port.
func ParseServer(m Member) (info ServerInfo, ok bool) {
	if m.Tags[tagRole] != roleServer { // first: most members are clients
		return ServerInfo{}, false
	}
	port := portTag(m.Tags, tagPort)
	if port == 0 {
		return ServerInfo{}, false
	}
	info = ServerInfo{
		ID:          m.Tags[tagID],
		Name:        m.Name,
		MemberName:  m.Name,
		Datacenter:  m.Tags[tagDatacenter],
		Status:      m.Status,
		RPCAddress:  net.JoinHostPort(m.Addr.String(), strconv.Itoa(port)),
		WANJoinPort: portTag(m.Tags, tagWANJoinPort),
		GRPCPort:    portTag(m.Tags, tagGRPCPort),
		GRPCTLSPort: portTag(m.Tags, tagGRPCTLSPort),
		RaftVersion: countTag(m.Tags, tagRaftVersion),
		Bootstrap:   m.Tags[tagBootstrap] == "1",
		Expect:      countTag(m.Tags, tagExpect),
		NonVoter:    m.Tags[tagReadReplica] == "1" || m.Tags[tagNonVoter] == "1",
		UseTLS:      m.Tags[tagUseTLS] == "1",
	}
	info.Build, _, _ = strings.Cut(m.Tags[tagBuild], ":")
	if _, lan := m.Tags[tagWANJoinPort]; !lan {
		info.Name = strings.TrimSuffix(m.Name, "."+info.Datacenter)
	}
	return info, true
}

// portTag and countTag give 0 for what is missing or makes no sense.
func portTag(tags map[string]string, tag string) int {
	n, err := strconv.ParseUint(tags[tag], 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

func countTag(tags map[string]string, tag string) int {
	n, err := strconv.ParseUint(tags[tag], 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}
