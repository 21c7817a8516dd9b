package cli_test

import "testing"

const (
	changesOfA = `[{"Index":9,"Time":"2026-11-29T12:00:05Z","Op":"lock","Agent":"n1","Before":{"Key":"a","Value":"cmVk","Flags":7,"ModifyIndex":8},"After":{"Key":"a","Value":"cmVk","Flags":7,"ModifyIndex":9}},
{"Index":8,"Time":"2026-11-29T12:00:04Z","Op":"set","AccessorID":"ann","Agent":"n1","Before":{"Key":"a","Value":"Ymx1ZQ==","Flags":3,"ModifyIndex":7},"After":{"Key":"a","Value":"cmVk","Flags":7,"ModifyIndex":8}},
{"Index":7,"Op":"set","Before":null,"After":{"Key":"a","Value":"Ymx1ZQ==","Flags":3,"ModifyIndex":7}}]`
	history = "GET /v1/kv/a?history=&limit=100"
)

func TestKVHistoryShowsWhoChangedWhat(t *testing.T) {
	answer(t, map[string]string{history: changesOfA, "GET /v1/kv/none?history=&limit=3": "[]"})
	want(t, 0, "Index  Time                  Change  Agent  Token  Value\n"+
		"9      2026-11-29T12:00:05Z  lock    n1     -      \"red\"\n"+
		"8      2026-11-29T12:00:04Z  set     n1     ann    \"red\"\n"+
		"7      -                     set     -      -      \"blue\"\n", "", "kv", "history", "/a")
	want(t, 0, "No changes of none are remembered.\n", "", "kv", "history", "-limit=3", "none")
	want(t, 0, "[]\n", "", "kv", "history", "-limit=3", "-format=json", "none")
}

// TestKVUndoWritesWhatWasBefore: the last change of the value, past those of locks, and only
// over what was seen.
func TestKVUndoWritesWhatWasBefore(t *testing.T) {
	a := answer(t, map[string]string{history: changesOfA, "PUT /v1/kv/a?cas=9&flags=3": "true"})
	want(t, 0, "Success! Data written to: a, the 4 bytes that it had before the change at index 8, 2026-11-29T12:00:04Z\n", "", "kv", "undo", "a")
	a.want(history, "PUT /v1/kv/a?cas=9&flags=3 blue")

	answer(t, map[string]string{history: changesOfA, "PUT /v1/kv/a?cas=9&flags=3": "false"})
	want(t, 1, "", "Error! Did not restore a: somebody changed it meanwhile\n", "kv", "undo", "a")
}

func TestKVUndoOfADeletionAndOfTheFirstWrite(t *testing.T) {
	answer(t, map[string]string{
		history: `[{"Index":8,"Time":"2026-11-29T12:00:04Z","Op":"delete","Before":{"Key":"a","Value":"eA==","ModifyIndex":7},"After":null}]`, "PUT /v1/kv/a?cas=0": "true",
	})
	want(t, 0, "Success! Data written to: a, the 1 bytes that it had before the change at index 8, 2026-11-29T12:00:04Z\n", "", "kv", "undo", "a")
	answer(t, map[string]string{
		history: `[{"Index":7,"Time":"2026-11-29T12:00:04Z","Op":"set","Before":null,"After":{"Key":"a","Value":"eA==","ModifyIndex":7}}]`, "DELETE /v1/kv/a?cas=7": "true",
	})
	want(t, 0, "Success! Deleted key: a, which was not there before the change at index 7, 2026-11-29T12:00:04Z\n", "", "kv", "undo", "a")
	answer(t, map[string]string{history: "[]"})
	want(t, 1, "", "Error! No change of a is remembered\n", "kv", "undo", "a")
}

func TestKVOfAMoment(t *testing.T) {
	a := answer(t, map[string]string{
		"GET /v1/kv/a?at=15m": `[{"Key":"a","Value":"Ymx1ZQ==","ModifyIndex":7}]`, "GET /v1/kv/a": `[{"Key":"a","Value":"cmVk","ModifyIndex":9}]`,
		"PUT /v1/kv/a?cas=9": "true", "GET /v1/kv/a?at=1": "!the history of keys does not reach back so far",
	})
	want(t, 0, "blue\n", "", "kv", "get", "-at=15m", "a")
	want(t, 0, "Success! Data written to: a, the 4 bytes that it had at 15m\n", "", "kv", "undo", "-at=15m", "a")
	a.want("GET /v1/kv/a?at=15m", "GET /v1/kv/a", "GET /v1/kv/a?at=15m", "PUT /v1/kv/a?cas=9 blue")
	want(t, 1, "", "Error querying Consul agent: Unexpected response code: 500 (the history of keys does not reach back so far)\n", "kv", "get", "-at=1", "a")
}

func TestCatalogHistoryShowsWhatHappened(t *testing.T) {
	answer(t, map[string]string{"GET /v1/catalog/history?kind=check&limit=100&node=n1&service=web&since=1h": `[
{"Index":9,"Time":"2026-11-29T12:00:05Z","Kind":"check","Event":"changed","Node":"n1","ServiceName":"web","ServiceID":"web-1","CheckID":"c","CheckName":"http","From":"passing","To":"critical","AccessorID":"ann","Agent":"n1"},
{"Index":8,"Time":"2026-11-29T12:00:04Z","Kind":"check","Event":"registered","Node":"n1","CheckID":"c","To":"passing"},
{"Index":7,"Time":"2026-11-29T12:00:04Z","Kind":"service","Event":"registered","Node":"n1","ServiceName":"web","ServiceID":"web-1","Address":":80"},
{"Index":6,"Time":"2026-11-29T12:00:03Z","Kind":"leader","Event":"elected","Node":"s1","Agent":"s1"}]`})
	want(t, 0, "Index  Time                  Node  Service  Agent  Token  Change\n"+
		"9      2026-11-29T12:00:05Z  n1    web-1    n1     ann    check \"http\" passing -> critical\n"+
		"8      2026-11-29T12:00:04Z  n1    -        -      -      check \"c\" registered passing\n"+
		"7      2026-11-29T12:00:04Z  n1    web-1    -      -      service registered :80\n"+
		"6      2026-11-29T12:00:03Z  s1    -        s1     -      leader elected\n",
		"", "catalog", "history", "-service=web", "-node=n1", "-kind=check", "-since=1h")
}
