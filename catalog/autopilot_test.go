package catalog_test

import (
	"testing"

	"praetor/catalog"
	"praetor/internal/fault"
)

func TestAutopilotIsReplacedOnlyAtTheIndexGiven(t *testing.T) {
	f := newFixture(t)
	f.must(catalog.AutopilotCommand, &catalog.Autopilot{MinQuorum: 3})
	first := f.store.Read().Autopilot()
	set := func(quorum, index uint64) error {
		err, _ := f.apply(catalog.AutopilotCommand, &catalog.Autopilot{MinQuorum: quorum, ModifyIndex: index}).(error)
		return err
	}
	if err := set(5, first.ModifyIndex+1); fault.KindOf(err) != fault.Conflict {
		t.Errorf("at a wrong index: %v, want a conflict", err)
	}
	if err := set(5, first.ModifyIndex); err != nil {
		t.Errorf("at its index: %v", err)
	}
	got := f.store.Read().Autopilot()
	if got.MinQuorum != 5 || got.CreateIndex != first.CreateIndex || got.ModifyIndex <= first.ModifyIndex {
		t.Errorf("%+v after %+v", got, first)
	}
	if err := set(7, first.ModifyIndex); fault.KindOf(err) != fault.Conflict {
		t.Errorf("at the old index: %v, want a conflict", err)
	}
	if err := set(7, 0); err != nil || f.store.Read().Autopilot().MinQuorum != 7 {
		t.Errorf("at any index: %v", err)
	}
}
