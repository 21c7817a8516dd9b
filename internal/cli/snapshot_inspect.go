package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"praetor/catalog"
	"praetor/internal/archive"
)

type snapshotInspectOptions struct {
	output    outputFormat
	kvDetails bool
	kvDepth   int
	kvFilter  string
	identity  string
}

func newSnapshotInspectCommand() *cobra.Command {
	var opts snapshotInspectOptions
	cmd := &cobra.Command{
		Use:   "inspect [options] FILE",
		Short: "Displays information about a Consul snapshot file",
		Long: `Says what a snapshot holds, and how much space each kind of record takes. It
needs no server, and reads snapshots of Consul too. FILE may also be the
state.bin of a server's raft folder.`,
		Example: `praetor snapshot inspect backup.snap
praetor snapshot inspect -kvdetails -kvdepth=3 -kvfilter=apps/ backup.snap
praetor snapshot inspect -identity=key.txt consul-1764382000000000000.snap.age`,
		RunE: func(cmd *cobra.Command, args []string) error { return runSnapshotInspect(cmd, args, opts) },
	}
	opts.output.register(cmd)
	opts.output.indent = "   "
	fs := cmd.Flags()
	fs.BoolVar(&opts.kvDetails, "kvdetails", false, "Also count the keys, by the start of their names.")
	fs.IntVar(&opts.kvDepth, "kvdepth", 2, "With -kvdetails: how many parts of a name, between slashes, count.")
	fs.StringVar(&opts.kvFilter, "kvfilter", "", "With -kvdetails: only keys that start with this.")
	identityFlag(cmd, &opts.identity)
	return cmd
}

func runSnapshotInspect(cmd *cobra.Command, args []string, opts snapshotInspectOptions) error {
	path, err := oneFile(args)
	if err != nil {
		return err
	}
	types, keys := sizes{}, sizes{}
	meta, err := readSnapshot(path, opts.identity, func(r catalog.Record) error {
		types.add(r.Type, r.Size)
		if key := r.Key(); opts.kvDetails && key != "" && strings.HasPrefix(key, opts.kvFilter) {
			keys.add(startOf(key, opts.kvDepth), r.Size)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return opts.output.print(cmd, describe(meta, types, keys), func() { printSnapshot(cmd, meta, types, keys, opts.kvDetails) })
}

// startOf returns the first parts of a key.
func startOf(key string, parts int) string {
	list := strings.Split(key, "/")
	return strings.Join(list[:min(max(parts, 0), len(list))], "/")
}

// sizes are totals by name.
type sizes map[string]*sizeOf

type sizeOf struct {
	Name  string
	Sum   int
	Count int
}

func (s sizes) add(name string, bytes int) {
	one := s[name]
	if one == nil {
		one = &sizeOf{Name: name}
		s[name] = one
	}
	one.Sum += bytes
	one.Count++
}

// sorted lists the largest first.
func (s sizes) sorted() []*sizeOf {
	return slices.SortedFunc(maps.Values(s), func(a, b *sizeOf) int {
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), cmp.Compare(a.Name, b.Name))
	})
}

func (s sizes) total() (sum int) {
	for _, one := range s {
		sum += one.Sum
	}
	return sum
}

// rows lays out a table with its total (reference/cli.md §7).
func (s sizes) rows(title string) [][]string {
	rule := []string{" ----", "----", "----"}
	rows := [][]string{{" " + title, "Count", "Size"}, rule}
	for _, one := range s.sorted() {
		rows = append(rows, []string{" " + one.Name, strconv.Itoa(one.Count), byteText(one.Sum)})
	}
	return append(rows, rule, []string{" Total", "", byteText(s.total())})
}

func printSnapshot(cmd *cobra.Command, meta *archive.Meta, types, keys sizes, details bool) {
	printTabs(cmd, [][]string{
		{" ID", meta.ID},
		{" Size", strconv.FormatInt(meta.Size, 10)},
		{" Index", strconv.FormatUint(meta.Index, 10)},
		{" Term", strconv.FormatUint(meta.Term, 10)},
		{" Version", strconv.Itoa(meta.Version)},
	})
	fmt.Fprintln(cmd.OutOrStdout())
	printTabs(cmd, types.rows("Type"))
	if details {
		fmt.Fprintln(cmd.OutOrStdout())
		printTabs(cmd, keys.rows("Key Name"))
	}
}

// byteText words a size: B below 1024, else one decimal, but no ".0".
func byteText(bytes int) string {
	size, units := float64(bytes), []string{"B", "KB", "MB", "GB", "TB"}
	for size >= 1024 && len(units) > 1 {
		size, units = size/1024, units[1:]
	}
	return strings.TrimSuffix(strconv.FormatFloat(size, 'f', 1, 64), ".0") + units[0]
}

// description is the JSON of a snapshot.
type description struct {
	Meta struct {
		ID      string
		Size    int64
		Index   uint64
		Term    uint64
		Version int
	}
	Stats       []*sizeOf
	StatsKV     []*sizeOf
	TotalSize   int
	TotalSizeKV int
}

func describe(meta *archive.Meta, types, keys sizes) description {
	d := description{Stats: types.sorted(), StatsKV: keys.sorted(), TotalSize: types.total(), TotalSizeKV: keys.total()}
	d.Meta.ID, d.Meta.Size, d.Meta.Index, d.Meta.Term, d.Meta.Version = meta.ID, meta.Size, meta.Index, meta.Term, meta.Version
	return d
}
