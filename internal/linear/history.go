package linear

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// history is what the clients of one group of keys saw.
type history struct {
	begin time.Time

	mu    sync.Mutex
	calls []porcupine.Operation
	loose []seenRow // what reads showed that did not ask for consistency
}

// never is the return of a call whose outcome nobody was told.
const never = math.MaxInt64

func (h *history) now() int64 { return int64(time.Since(h.begin)) }

func (h *history) add(client int, q question, call int64, r reply, ret int64) {
	if r.unknown {
		if q.verb == verbGet || q.verb == verbTxn && q.readsOnly() {
			return // it changed nothing, and nothing was learned
		}
		ret = never
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: q, Call: call, Output: r, Return: ret})
}

// addEnd adds that a session may have ended by itself at some time.
func (h *history) addEnd(session int, from, until int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: -1, Input: question{verb: verbEnd, session: session}, Call: from, Output: reply{unknown: true}, Return: until})
}

func (h *history) addLoose(row seenRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loose = append(h.loose, row)
}

// CheckLoose wants of reads that did not ask for consistency that they show, if
// not the newest, something that was written.
func (h *history) CheckLoose() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := map[[2]int]bool{}
	for _, call := range h.calls {
		q := call.Input.(question)
		for _, w := range append([]question{q}, q.steps...) {
			written[[2]int{w.key, w.value}] = true
		}
	}
	for _, row := range h.loose {
		if row.value != 0 && !written[[2]int{row.key, row.value}] {
			return fmt.Errorf("a read showed what nobody wrote: %+v", row)
		}
	}
	return nil
}

func (q question) readsOnly() bool {
	for _, s := range q.steps {
		if s.verb != verbGet {
			return false
		}
	}
	return true
}

// Check reports whether the history is linearizable; Unknown if that took longer
// than limit.
func (h *history) Check(limit time.Duration) porcupine.CheckResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	return porcupine.CheckOperationsTimeout(groupModel, h.bound(), limit)
}

// bound gives the calls, of which those that nobody was told the outcome of, but that somebody
// saw the value of, are done by then: most orders to try come from calls without an end. No
// other write has that value.
func (h *history) bound() []porcupine.Operation {
	seen := map[int]int64{} // value to when the first answer with it was there
	for _, call := range h.calls {
		for _, row := range call.Output.(reply).rows {
			if first, ok := seen[row.value]; row.value != 0 && (!ok || call.Return < first) {
				seen[row.value] = call.Return
			}
		}
	}
	calls := slices.Clone(h.calls)
	for i := range calls {
		call := &calls[i]
		if call.Return != never {
			continue
		}
		q := call.Input.(question)
		for _, w := range append([]question{q}, q.steps...) {
			// A transaction has a value of its own that it does not write, so nobody saw it.
			if at, ok := seen[w.value]; ok && w.value != 0 {
				call.Output = reply{unknown: true, shown: true}
				call.Return = min(call.Return, max(at, call.Call))
			}
		}
	}
	return calls
}

// Explain tells how far the calls can be put in order, and which then do not fit.
func (h *history) Explain(limit time.Duration) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.bound()
	_, info := porcupine.CheckOperationsVerbose(groupModel, calls, limit)
	var longest []porcupine.Operation
	for _, group := range info.PartialLinearizationsOperations() {
		for _, some := range group {
			if len(some) > len(longest) {
				longest = some
			}
		}
	}
	left := map[string]int{}
	for _, call := range calls {
		left[line(call)]++
	}
	var state keyGroup
	for _, call := range longest {
		left[line(call)]--
		_, state = state.step(call.Input.(question), call.Output.(reply))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d calls can be put in order; the last ones:\n", len(longest), len(calls))
	for _, call := range longest[max(0, len(longest)-15):] {
		b.WriteString(line(call))
	}
	fmt.Fprintf(&b, "which leads to %+v\nthe next to return:\n", state)
	slices.SortFunc(calls, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	shown := 0
	for _, call := range calls {
		if left[line(call)] > 0 && shown < 15 {
			shown++
			b.WriteString(line(call))
		}
	}
	return b.String()
}

func line(call porcupine.Operation) string {
	ret := "never"
	if call.Return != never {
		ret = time.Duration(call.Return).String()
	}
	return fmt.Sprintf("%3d %12s %12s %+v -> %+v\n", call.ClientId, time.Duration(call.Call), ret, call.Input, call.Output)
}
