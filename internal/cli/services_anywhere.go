package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/doctor"
)

// runServicesDeregisterAnywhere removes every instance with a given ID, or of a
// service with that name, from the agents that own them. It goes on after a
// failure.
func runServicesDeregisterAnywhere(cmd *cobra.Command, words []string, opts servicesDeregisterOptions) error {
	if opts.id != "" {
		words = append(words, opts.id)
	}
	if len(words) != 1 || words[0] == "" {
		return fail("Deregistering with -anywhere requires one service name or service ID.")
	}
	word := words[0]
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	found, known, err := findInstances(cl, word, opts.client.query())
	if err != nil {
		return fail("Error looking through the catalog: %s", err)
	}
	if len(found) == 0 {
		return fail("%s", nothingFound(word, known))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Found %s:\n", doctor.Plural(len(found), "instance"))
	printColumns(cmd, instanceRows(found))
	fmt.Fprintln(cmd.OutOrStdout())
	return evictInstances(cmd, found, opts)
}

// findInstances looks through the whole catalog: an ID says nothing about the
// name of its service. known is every name and ID that exists.
func findInstances(cl *api.Client, word string, q *api.QueryOptions) (found []*api.CatalogService, known []string, err error) {
	services, _, err := cl.Catalog().Services(q)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		instances, _, err := cl.Catalog().Service(name, "", q)
		if err != nil {
			return nil, nil, err
		}
		known = append(known, name)
		for _, i := range instances {
			known = append(known, i.ServiceID)
			if i.ServiceName == name && (i.ServiceID == word || i.ServiceName == word) {
				found = append(found, i)
			}
		}
	}
	return found, known, nil
}

func nothingFound(word string, known []string) string {
	text := fmt.Sprintf("No service in the catalog has the ID or the name %q.", word)
	if near := nearest(word, known); len(near) > 0 {
		return text + " Did you mean " + alternatives(near) + "?"
	}
	return text + " List the names with: catalog services"
}

// alternatives words a list as "a", "b" or "c".
func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

func instanceRows(list []*api.CatalogService) [][]string {
	rows := [][]string{{"Node", "ID", "Service", "Address"}}
	for _, i := range list {
		address := i.ServiceAddress
		if address == "" {
			address = i.Address
		}
		rows = append(rows, []string{i.Node, i.ServiceID, i.ServiceName, net.JoinHostPort(address, strconv.Itoa(i.ServicePort))})
	}
	return rows
}

// evictInstances removes the instances one by one and prints the outcome of each.
func evictInstances(cmd *cobra.Command, list []*api.CatalogService, opts servicesDeregisterOptions) error {
	cl, err := opts.client.openWith(url.Values{"evict": {"1"}})
	if err != nil {
		return err
	}
	failed := 0
	for _, i := range list {
		detail, err := evictInstance(cl, i)
		if err != nil {
			failed++
			fmt.Fprintf(cmd.ErrOrStderr(), "Error deregistering %s on %s: %s\n", i.ServiceID, i.Node, err)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s on %s: %s\n", i.ServiceID, i.Node, detail)
	}
	if failed > 0 {
		return fail("%d of %s could not be deregistered", failed, doctor.Plural(len(list), "instance"))
	}
	return nil
}

// unevicted is what happened when the server does not know evictions.
const unevicted = "removed from the catalog only: this server cannot ask the agent that owns it, which may bring it back."

func evictInstance(cl *api.Client, i *api.CatalogService) (detail string, err error) {
	var answer json.RawMessage
	_, err = cl.Raw().Write("/v1/catalog/deregister",
		&api.CatalogDeregistration{Node: i.Node, Datacenter: i.Datacenter, ServiceID: i.ServiceID}, &answer, nil)
	if err != nil {
		return "", err
	}
	var done struct{ Detail string }
	if json.Unmarshal(answer, &done) != nil || done.Detail == "" {
		return unevicted, nil // true is what Consul answers
	}
	return done.Detail, nil
}
