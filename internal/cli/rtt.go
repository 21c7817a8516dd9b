package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/serf/coordinate"
	"github.com/spf13/cobra"
)

type rttOptions struct {
	client client
	wan    bool
}

func newRTTCommand() *cobra.Command {
	var opts rttOptions
	cmd := &cobra.Command{
		Use:   "rtt [options] NODE1 [NODE2]",
		Short: "Estimates network round trip time between nodes",
		Long: `Estimates, from network coordinates, how long a message takes from one node to
another and back. Without a second name it is the node of the agent asked.
With -wan the names are those of servers, NAME.DATACENTER.`,
		Example: `praetor rtt web-1 db-1
praetor rtt -wan server-1.dc1 server-1.dc2`,
		RunE: func(cmd *cobra.Command, args []string) error { return runRTT(cmd, args, opts) },
	}
	opts.client.register(cmd)
	cmd.Flags().BoolVar(&opts.wan, "wan", false, "Between servers of datacenters, by their coordinates in the WAN pool.")
	return cmd
}

func runRTT(cmd *cobra.Command, args []string, opts rttOptions) error {
	if len(args) < 1 || len(args) > 2 {
		return fail("One or two node names must be specified\n\n%s", help(cmd))
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	names := args
	if len(names) == 1 {
		own, err := ownName(cl, opts.wan)
		if err != nil {
			return fail("Unable to look up agent info: %s", err)
		}
		names = append(names, own)
	}
	source, listed := "LAN", lanCoordinates
	if opts.wan {
		if !strings.Contains(names[0], ".") || !strings.Contains(names[1], ".") {
			return fail("Node names must be specified as <node name>.<datacenter> with -wan")
		}
		source, listed = "WAN", wanCoordinates
	}
	all, err := listed(cl)
	if err != nil {
		return fail("Error getting coordinates: %s", err)
	}
	rtt, err := all.between(names[0], names[1])
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Estimated %s <-> %s rtt: %.3f ms (using %s coordinates)\n",
		names[0], names[1], float64(rtt)/float64(time.Millisecond), source)
	return nil
}

// ownName is the node of the agent asked, as the pool has it.
func ownName(cl *api.Client, wan bool) (string, error) {
	name, err := cl.Agent().NodeName()
	if err != nil || !wan {
		return name, err
	}
	self, err := cl.Agent().Self()
	if err != nil {
		return "", err
	}
	datacenter, ok := self["Config"]["Datacenter"].(string)
	if !ok {
		return "", errors.New("the agent does not say its datacenter")
	}
	return name + "." + datacenter, nil
}

// coordinates holds those of each area that have to do with each other, by
// node name in lower case.
type coordinates map[string]map[string]*coordinate.Coordinate

func (c coordinates) add(area, node string, at *coordinate.Coordinate) {
	if at == nil {
		return
	}
	if c[area] == nil {
		c[area] = map[string]*coordinate.Coordinate{}
	}
	c[area][strings.ToLower(node)] = at
}

func lanCoordinates(cl *api.Client) (coordinates, error) {
	nodes, _, err := cl.Coordinate().Nodes(nil)
	all := coordinates{}
	for _, n := range nodes {
		all.add(n.Segment, n.Node, n.Coord)
	}
	return all, err
}

func wanCoordinates(cl *api.Client) (coordinates, error) {
	datacenters, err := cl.Coordinate().Datacenters()
	all := coordinates{}
	for _, dc := range datacenters {
		for _, n := range dc.Coordinates {
			all.add(dc.AreaID, n.Node+"."+dc.Datacenter, n.Coord)
		}
	}
	return all, err
}

// between estimates the round trip between two nodes of one area.
func (c coordinates) between(a, b string) (time.Duration, error) {
	known := map[string]bool{}
	for _, area := range c {
		from, to := area[strings.ToLower(a)], area[strings.ToLower(b)]
		if from != nil && to != nil && from.IsCompatibleWith(to) {
			return from.DistanceTo(to), nil
		}
		known[a], known[b] = known[a] || from != nil, known[b] || to != nil
	}
	for _, name := range []string{a, b} {
		if !known[name] {
			return 0, fail("Could not find a coordinate for node %q", name)
		}
	}
	return 0, fail("The coordinates of %q and %q have nothing to do with each other", a, b)
}
