package catalog_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestScripts plays testdata/*.txt: paragraphs of commands, "----", and the
// answers. A line that starts with # is a comment. Each write takes the next
// index, starting with 1.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playScript(t, file) })
	}
}

func playScript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	var out strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		commands, want, hasWant := strings.Cut(paragraph, "\n----\n")
		if !hasWant {
			commands = strings.TrimSuffix(paragraph, "\n----")
		}
		var got strings.Builder
		for line := range strings.Lines(commands) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && line != "" {
				got.WriteString(f.script(line))
			}
		}
		if i > 0 {
			out.WriteString("\n")
		}
		if got.Len() == 0 && !hasWant {
			fmt.Fprintf(&out, "%s\n", commands)
			continue
		}
		fmt.Fprintf(&out, "%s\n----\n%s", commands, got.String())
		if !*update && strings.TrimSpace(want) != strings.TrimSpace(got.String()) {
			t.Errorf("%s: after\n%s\ngot\n%s\nwant\n%s", file, commands, got.String(), want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// script runs one line and returns its answer.
func (f *fixture) script(line string) string {
	verb, rest, _ := strings.Cut(line, " ")
	tx, arg := f.store.Read(), strings.TrimSpace(rest)
	switch verb {
	case "register":
		return f.scriptWrite(catalog.RegisterCommand, arg, new(catalog.Register))
	case "deregister":
		return f.scriptWrite(catalog.DeregisterCommand, arg, new(catalog.Deregister))
	case "autopilot":
		return f.scriptWrite(catalog.AutopilotCommand, arg, new(catalog.Autopilot))
	case "session":
		return f.scriptWrite(catalog.SessionCommand, arg, new(catalog.SessionWrite))
	case "reap":
		return f.scriptWrite(catalog.ReapCommand, arg, new(catalog.Reap))
	case "sessions":
		return list(tx.Sessions(nil))(formatSession)
	case "set", "cas", "delete", "delete-cas", "delete-tree", "lock", "unlock":
		return f.scriptKV(verb, strings.Fields(arg))
	case "restore":
		before := f.snapshot()
		if err := f.store.Restore(bytes.NewReader(before)); err != nil {
			return err.Error() + "\n"
		}
		if !bytes.Equal(before, f.snapshot()) {
			return "the restored store differs\n"
		}
		return ""
	case "last":
		return fmt.Sprintf("%d\n", tx.LastIndex())
	case "counts":
		return fmt.Sprintf("%+v\n", tx.Counts())
	case "show-autopilot":
		return fmt.Sprintf("%+v\n", tx.Autopilot())
	case "nodes":
		return list(tx.Nodes(nil))(formatNode)
	case "node":
		index, n := tx.Node(nil, arg)
		return fmt.Sprintf("@%d\n%s", index, formatNode(n))
	case "node-services":
		index, n := tx.NodeServices(nil, arg)
		if n == nil {
			return fmt.Sprintf("@%d\nnone\n", index)
		}
		return fmt.Sprintf("@%d\n%s%s", index, formatNode(n.Node), list(0, n.Services)(formatService))
	case "node-checks":
		return list(tx.NodeChecks(nil, arg))(formatCheck)
	case "service-checks":
		return list(tx.ServiceChecks(nil, arg))(formatCheck)
	case "state":
		return list(tx.ChecksInState(nil, arg))(formatCheck)
	case "services":
		index, services := tx.Services(nil)
		var b strings.Builder
		fmt.Fprintf(&b, "@%d\n", index)
		for _, name := range slices.Sorted(maps.Keys(services)) {
			fmt.Fprintf(&b, "%s %q\n", name, services[name])
		}
		return b.String()
	case "instances":
		return list(tx.ServiceInstances(nil, arg))(func(i *catalog.Instance) string {
			return "on " + formatNode(i.Node) + "   " + formatService(i.Service)
		})
	case "health":
		return list(tx.ServiceHealth(nil, arg))(func(i *catalog.InstanceHealth) string {
			return "on " + formatNode(i.Node) + "   " + formatService(i.Service) + list(0, i.Checks)(func(c *catalog.Check) string {
				return "   " + formatCheck(c)
			})
		})
	case "get":
		index, e := tx.KVGet(nil, arg)
		if e == nil {
			return fmt.Sprintf("@%d\nnone\n", index)
		}
		return fmt.Sprintf("@%d\n%s", index, formatEntry(e))
	case "list":
		return list(tx.KVList(nil, arg))(formatEntry)
	case "keys":
		prefix, separator, _ := strings.Cut(arg, " sep=")
		if strings.HasPrefix(arg, "sep=") {
			prefix, separator = "", arg[len("sep="):]
		}
		index, keys := tx.KVKeys(nil, prefix, separator)
		return fmt.Sprintf("@%d %q\n", index, keys)
	}
	f.t.Fatalf("unknown script verb %q", verb)
	return ""
}

func (f *fixture) scriptWrite(kind catalog.CommandType, arg string, cmd msgp.Marshaler) string {
	if err := json.Unmarshal([]byte(arg), cmd); err != nil {
		f.t.Fatalf("%s: %v", arg, err)
	}
	if r, ok := cmd.(*catalog.Register); ok && r.Datacenter == "" {
		r.Datacenter = "dc1"
	}
	switch result := f.apply(kind, cmd).(type) {
	case nil:
		return ""
	case error:
		return fmt.Sprintf("error: %v\n", result)
	default:
		return fmt.Sprintf("%q\n", result)
	}
}

// scriptKV runs "set KEY VALUE [flags=N]", "cas KEY VALUE INDEX", "lock KEY VALUE
// SESSION", "unlock KEY VALUE SESSION" and the deletions.
func (f *fixture) scriptKV(verb string, args []string) string {
	cmd := &catalog.KVWrite{}
	args = append(args, "", "", "")
	cmd.Entry.Key, cmd.Entry.Value = args[0], []byte(args[1])
	switch verb {
	case "set":
		fmt.Sscanf(args[2], "flags=%d", &cmd.Entry.Flags)
	case "cas":
		cmd.Verb = catalog.KVCAS
		fmt.Sscan(args[2], &cmd.Entry.ModifyIndex)
	case "lock", "unlock":
		cmd.Verb, cmd.Entry.Session = catalog.KVLock, args[2]
		if verb == "unlock" {
			cmd.Verb = catalog.KVUnlock
		}
	case "delete":
		cmd.Verb = catalog.KVDelete
	case "delete-cas":
		cmd.Verb = catalog.KVDeleteCAS
		fmt.Sscan(args[1], &cmd.Entry.ModifyIndex)
	case "delete-tree":
		cmd.Verb = catalog.KVDeleteTree
	}
	return fmt.Sprintln(f.apply(catalog.KVWriteCommand, cmd))
}

// list formats rows under their index; index 0 writes no index line.
func list[R any](index uint64, rows []R) func(format func(R) string) string {
	return func(format func(R) string) string {
		var b strings.Builder
		if index != 0 {
			fmt.Fprintf(&b, "@%d\n", index)
		}
		if rows == nil {
			return "nil: must not be\n"
		}
		for _, r := range rows {
			b.WriteString(format(r))
		}
		return b.String()
	}
}

func formatNode(n *catalog.Node) string {
	if n == nil {
		return "none\n"
	}
	return fmt.Sprintf("%s %s id=%s dc=%s meta=%v [%d %d]\n", n.Node, n.Address, n.ID, n.Datacenter, n.Meta, n.CreateIndex, n.ModifyIndex)
}

func formatService(s *catalog.Service) string {
	return fmt.Sprintf("%s of %s tags=%v %s:%d weights=%v [%d %d]\n", s.ID, s.Service, s.Tags, s.Address, s.Port, s.Weights, s.CreateIndex, s.ModifyIndex)
}

func formatCheck(c *catalog.Check) string {
	return fmt.Sprintf("%s/%s %q %s of %s(%s)%v %q type=%s [%d %d]\n",
		c.Node, c.CheckID, c.Name, c.Status, c.ServiceID, c.ServiceName, c.ServiceTags, c.Output, c.Type, c.CreateIndex, c.ModifyIndex)
}

func formatEntry(e *catalog.KVEntry) string {
	return fmt.Sprintf("%s=%q flags=%d lock=%d session=%s [%d %d]\n", e.Key, e.Value, e.Flags, e.LockIndex, e.Session, e.CreateIndex, e.ModifyIndex)
}

func formatSession(s *catalog.Session) string {
	return fmt.Sprintf("%s %q on %s %s delay=%s ttl=%s checks=%q [%d %d]\n", s.ID, s.Name, s.Node, s.Behavior, s.LockDelay, s.TTL, s.NodeChecks, s.CreateIndex, s.ModifyIndex)
}
