package memdb_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/internal/memdb"
)

// word is a row: its text, a group, and marks.
type word struct {
	text, group string
	marks       []string
}

func one(key func(*word) string) func(any, [][]byte) [][]byte {
	return func(row any, list [][]byte) [][]byte {
		if k := key(row.(*word)); k != "-" {
			list = append(list, []byte(k))
		}
		return list
	}
}

func newWords() *memdb.DB {
	return memdb.New([]memdb.Table{{Name: "words", Indexes: []memdb.Index{
		{Name: "id", Unique: true, Keys: one(func(w *word) string { return w.text })},
		{Name: "group", Keys: one(func(w *word) string { return w.group + "/" })},
		{Name: "mark", Keys: func(row any, list [][]byte) [][]byte {
			for _, m := range row.(*word).marks {
				list = append(list, []byte(m+"/"))
			}
			return list
		}},
	}}})
}

// model is what the table should hold.
type model map[string]*word

func (m model) under(prefix string) (list []*word) {
	for _, text := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(text, prefix) {
			list = append(list, m[text])
		}
	}
	return list
}

func (m model) grouped(group string) (list []*word) {
	for _, w := range m.under("") {
		if w.group == group {
			list = append(list, w)
		}
	}
	return list
}

func (m model) marked(mark string) (list []*word) {
	for _, w := range m.under("") {
		if slices.Contains(w.marks, mark) {
			list = append(list, w)
		}
	}
	return list
}

func walk(t *memdb.Txn, ws memdb.WatchSet, index, prefix string) (list []*word) {
	for row := range t.Rows(ws, "words", index, []byte(prefix)) {
		list = append(list, row.(*word))
	}
	return list
}

// check compares a transaction with the model.
func (m model) check(t *testing.T, txn *memdb.Txn) {
	t.Helper()
	if got, want := walk(txn, nil, "id", ""), m.under(""); !slices.Equal(got, want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for _, group := range []string{"a", "b", "aa"} {
		if got, want := walk(txn, nil, "group", group+"/"), m.grouped(group); !slices.Equal(got, want) {
			t.Fatalf("group %s: %d rows, want %d", group, len(got), len(want))
		}
		if got, want := walk(txn, nil, "mark", group+"/"), m.marked(group); !slices.Equal(got, want) {
			t.Fatalf("mark %s: %d rows, want %d", group, len(got), len(want))
		}
	}
	last, _ := txn.Last("words", "id").(*word)
	if all := m.under(""); len(all) > 0 && last != all[len(all)-1] || len(all) == 0 && last != nil {
		t.Fatalf("last is %v of %d", last, len(all))
	}
}

func (m model) longest(key string) (found *word) {
	for text, w := range m {
		if strings.HasPrefix(key, text) && (found == nil || len(text) > len(found.text)) {
			found = w
		}
	}
	return found
}

// asked is a question with the answer that was given, and what should tell of another.
type asked struct {
	exact bool
	key   string
	got   []*word
	ws    memdb.WatchSet
}

func ask(txn *memdb.Txn, exact bool, key string) asked {
	q := asked{exact: exact, key: key, ws: memdb.WatchSet{}}
	if !exact {
		q.got = walk(txn, q.ws, "id", key)
	} else if w, found := txn.Get(q.ws, "words", "id", []byte(key)).(*word); found {
		q.got = []*word{w}
	}
	return q
}

func (q asked) told() bool {
	for ch := range q.ws {
		select {
		case <-ch:
			return true
		default:
		}
	}
	return false
}

var seed = flag.Uint64("seed", 0, "of random tests; 0 for one of their own")

func source(t *testing.T) *rand.Rand {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed=%d", *seed)
	return rand.New(rand.NewPCG(*seed, 1))
}

// TestItIsAMap makes random changes in random batches, some of which are thrown away, and
// holds the rows, earlier moments and what was watched against a map.
func TestItIsAMap(t *testing.T) {
	r := source(t)
	db := newWords()
	now := model{}
	text := func() string {
		letters := make([]byte, r.IntN(6))
		for i := range letters {
			letters[i] = "abc\x00\xff"[r.IntN(5)]
		}
		return string(letters)
	}
	type moment struct {
		txn *memdb.Txn
		was model
	}
	var moments []moment
	var waiting []asked
	for range 3000 {
		next := maps.Clone(now)
		txn := db.Txn(true)
		for range r.IntN(8) {
			switch text := text(); r.IntN(5) {
			case 0, 1, 2:
				w := &word{text: text, group: []string{"a", "b", "aa"}[r.IntN(3)]}
				for range r.IntN(3) { // the same mark twice, too
					w.marks = append(w.marks, []string{"a", "b", "aa"}[r.IntN(3)])
				}
				txn.Insert("words", w)
				next[text] = w
			case 3:
				if _, there := next[text]; txn.Delete("words", &word{text: text}) != there {
					t.Fatalf("deleting %q: there was %t", text, there)
				}
				delete(next, text)
			case 4: // a walk that goes on while what it goes through changes
				before := next.under(text)
				rows := txn.Rows(nil, "words", "id", []byte(text))
				for _, w := range before {
					txn.Delete("words", w)
					delete(next, w.text)
				}
				i := 0
				for row := range rows {
					if i >= len(before) || row != any(before[i]) {
						t.Fatalf("row %d of a walk under %q is %v", i, text, row)
					}
					i++
				}
				if i != len(before) {
					t.Fatalf("a walk under %q of %d rows ends after %d", text, len(before), i)
				}
			}
			if r.IntN(4) == 0 {
				next.check(t, txn)
			}
		}
		for _, q := range waiting {
			if q.told() {
				t.Fatal("told before the commit")
			}
		}
		if r.IntN(4) == 0 {
			txn.Abort()
		} else {
			txn.Commit()
			now = next
		}
		read := db.Txn(false)
		now.check(t, read)
		key := text()
		if w, _ := read.LongestPrefix("words", "id", []byte(key)).(*word); w != now.longest(key) {
			t.Fatalf("longest of %q is %v, want %v", key, w, now.longest(key))
		}
		if w, _ := read.First("words", "id", []byte(key)).(*word); len(now.under(key)) == 0 && w != nil || len(now.under(key)) > 0 && w != now.under(key)[0] {
			t.Fatalf("first under %q is %v", key, w)
		}
		waiting = slices.DeleteFunc(waiting, func(q asked) bool {
			changed := !slices.Equal(ask(read, q.exact, q.key).got, q.got)
			if changed && !q.told() {
				t.Fatalf("exact %t, %q: a change that nobody was told of", q.exact, q.key)
			}
			return q.told()
		})
		if len(moments) > 0 { // late questions to old moments
			old := moments[r.IntN(len(moments))]
			q := ask(old.txn, r.IntN(2) == 0, text())
			if changed := !slices.Equal(ask(read, q.exact, q.key).got, q.got); changed && !q.told() {
				t.Fatalf("exact %t, %q: a question to an old moment waits for what has happened", q.exact, q.key)
			}
			old.was.check(t, old.txn)
		}
		waiting = append(waiting, ask(read, r.IntN(2) == 0, text()))
		if moments = append(moments, moment{read, now}); len(moments) > 20 {
			moments = slices.Delete(moments, 0, 1)
		}
	}
}

// TestWhoIsTold watches rows and prefixes while others come and go.
func TestWhoIsTold(t *testing.T) {
	for _, c := range []struct {
		exact  bool
		key    string
		change string // "-text" deletes
		told   bool
	}{
		{true, "web", "web", true},
		{true, "web", "-web", true},
		{true, "web", "db", false},
		{true, "web", "wea", false},
		{true, "web", "web2", false}, // though they part later than web and any other did
		{true, "db", "da", false},
		{true, "web", "-db", false},
		{true, "none", "none", true},
		{true, "none", "db", true}, // as any change at the root
		{false, "we", "wet", true},
		{false, "we", "-web", true},
		{false, "we", "db", false},
		{false, "d", "db2", true},
		{false, "db/", "db/1", true},
		{false, "app/", "app/3", true},
		{false, "app/", "ap", true}, // it parts what leads there
		{false, "app/1", "app/2", false},
		{false, "app/1", "app/11", true},
		{false, "", "x", true},
	} {
		db := newWords()
		txn := db.Txn(true)
		for _, text := range []string{"web", "weather", "db", "app/1", "app/2"} {
			txn.Insert("words", &word{text: text})
		}
		txn.Commit()
		q := ask(db.Txn(false), c.exact, c.key)
		before := db.Txn(false).Watch("words", "id", []byte(c.key))
		txn = db.Txn(true)
		if text, gone := strings.CutPrefix(c.change, "-"); gone {
			txn.Delete("words", &word{text: text})
		} else {
			txn.Insert("words", &word{text: text})
		}
		txn.Commit()
		if q.told() != c.told {
			t.Errorf("exact %t, %q, after %q: told %t", c.exact, c.key, c.change, q.told())
		}
		if same := db.Txn(false).Watch("words", "id", []byte(c.key)) == before; !c.exact && same == c.told {
			t.Errorf("prefix %q, after %q: the channel is the same %t", c.key, c.change, same)
		}
	}
}

// TestNoChangeIsMissed has readers wait for each next change of what a writer writes.
func TestNoChangeIsMissed(t *testing.T) {
	const changes = 2000
	db := newWords()
	set := func(i int) {
		txn := db.Txn(true)
		defer txn.Abort()
		txn.Insert("words", &word{text: "counter", group: fmt.Sprint(i)})
		txn.Insert("words", &word{text: fmt.Sprintf("count%d", i%7), group: "a"})
		txn.Commit()
	}
	set(0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() {
			for {
				ws := memdb.WatchSet{}
				txn := db.Txn(false)
				var w *word
				if i%2 == 0 {
					w = txn.Get(ws, "words", "id", []byte("counter")).(*word)
				} else {
					w = walk(txn, ws, "id", "counter")[0]
				}
				if w.group == fmt.Sprint(changes) {
					return
				}
				if err := ws.WatchCtx(ctx); err != nil {
					t.Errorf("it waits at %s of %d", w.group, changes)
					return
				}
			}
		})
	}
	for i := 1; i <= changes; i++ {
		set(i)
		runtime.Gosched()
	}
	running.Wait()
}

func TestManyChannelsAreWaitedFor(t *testing.T) {
	for _, n := range []int{1, 8, 9, 100} {
		ws := memdb.WatchSet{}
		var all []chan struct{}
		for range n {
			ch := make(chan struct{})
			all = append(all, ch)
			ws.Add(ch)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- ws.WatchCtx(ctx) }()
		close(all[n-1])
		if err := <-ended; err != nil {
			t.Errorf("one of %d closes: %v", n, err)
		}
		cancel()
		delete(ws, all[n-1])
		if err := ws.WatchCtx(ctx); err != context.Canceled {
			t.Errorf("%d that stay open: %v", n-1, err)
		}
	}
	var none memdb.WatchSet
	none.Add(make(chan struct{}))
}

// TestATransactionTellsOfItsOwnChanges watches from within a transaction that writes.
func TestATransactionTellsOfItsOwnChanges(t *testing.T) {
	db := newWords()
	txn := db.Txn(true)
	txn.Insert("words", &word{text: "ab"})
	txn.Insert("words", &word{text: "ac"})
	missing, under := ask(txn, true, "a"), ask(txn, false, "a")
	txn.Insert("words", &word{text: "a"})
	txn.Commit()
	if !missing.told() || !under.told() {
		t.Errorf("told of a row: %t, of a prefix: %t", missing.told(), under.told())
	}
}

// TestARowThatTakesAnothersKeyKeepsIt: that keys are each one row's is for callers to see
// to; where they do not, the last row has it.
func TestARowThatTakesAnothersKeyKeepsIt(t *testing.T) {
	type named struct{ id, name string }
	db := memdb.New([]memdb.Table{{Name: "t", Indexes: []memdb.Index{
		{Name: "id", Unique: true, Keys: func(row any, list [][]byte) [][]byte { return append(list, []byte(row.(*named).id)) }},
		{Name: "name", Unique: true, Keys: func(row any, list [][]byte) [][]byte { return append(list, []byte(row.(*named).name)) }},
	}}})
	txn := db.Txn(true)
	defer txn.Abort()
	second := &named{"2", "a"}
	txn.Insert("t", &named{"1", "a"})
	txn.Insert("t", second)
	txn.Insert("t", &named{"1", "b"})
	if got := txn.Get(nil, "t", "name", []byte("a")); got != any(second) {
		t.Errorf("got %v", got)
	}
}

func TestMisuseStopsAtOnce(t *testing.T) {
	db := newWords()
	for name, misuse := range map[string]func(){
		"no such table":      func() { db.Txn(false).Get(nil, "none", "id", nil) },
		"one row of several": func() { db.Txn(false).Get(nil, "words", "group", nil) },
		"no such index":      func() { db.Txn(false).Rows(nil, "words", "none", nil) },
		"a write in a transaction that reads": func() {
			db.Txn(false).Insert("words", &word{})
		},
		"a row without identity": func() {
			txn := db.Txn(true)
			defer txn.Abort()
			txn.Insert("words", &word{text: "-"})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: nothing happened", name)
				}
			}()
			misuse()
		}()
	}
	db.Txn(true).Abort() // nobody holds the lock
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("a\nab\nabc\n\nb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		db, m := newWords(), model{}
		for i, text := range bytes.Split(data, []byte("\n")) {
			if string(text) == "-" {
				continue
			}
			txn := db.Txn(true)
			if w := (&word{text: string(text)}); i%3 == 2 {
				txn.Delete("words", w)
				delete(m, w.text)
			} else {
				txn.Insert("words", w)
				m[w.text] = w
			}
			txn.Commit()
		}
		m.check(t, db.Txn(false))
	})
}

func BenchmarkInsert(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d a commit", n), func(b *testing.B) {
			db := newWords()
			txn := db.Txn(true)
			for i := range 100_000 {
				txn.Insert("words", &word{text: fmt.Sprintf("some/folder/%06d", i), group: "a"})
			}
			txn.Commit()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				txn := db.Txn(true)
				for j := range n {
					txn.Insert("words", &word{text: fmt.Sprintf("some/folder/%06d", (i*7919+j*31)%100_000), group: "a"})
				}
				txn.Commit()
			}
		})
	}
}
