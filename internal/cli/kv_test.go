package cli_test

import "testing"

func TestExportsAreWhatImportReads(t *testing.T) {
	a := answer(t, map[string]string{
		"GET /v1/kv/x/?recurse=":        `[{"Key":"x/one","Flags":7,"Value":"MQ=="},{"Key":"x/two/","Flags":0,"Value":null}]`,
		"GET /v1/kv/?recurse=":          `[]`,
		"PUT /v1/kv/copy/x/one?flags=7": `true`,
		"PUT /v1/kv/copy/x/two/":        `true`,
		"PUT /v1/kv/x/one?flags=7":      `true`,
		"PUT /v1/kv/x/two/":             `!full`,
	})
	const tree = "[\n\t{\n\t\t\"key\": \"x/one\",\n\t\t\"flags\": 7,\n\t\t\"value\": \"MQ==\"\n\t},\n\t{\n\t\t\"key\": \"x/two/\",\n\t\t\"flags\": 0,\n\t\t\"value\": \"\"\n\t}\n]\n"
	want(t, 0, tree, "", "kv", "export", "/x/")
	want(t, 0, "[]\n", "", "kv", "export")
	want(t, 0, "Imported: copy/x/one\nImported: copy/x/two/\n", "", "kv", "import", "-prefix=copy", tree)
	want(t, 1, "Imported: x/one\n", "Error! Failed writing data for key x/two/: Unexpected response code: 500 (full)\n", "kv", "import", tree)
	a.want("GET /v1/kv/x/?recurse=", "GET /v1/kv/?recurse=",
		"PUT /v1/kv/copy/x/one?flags=7 1", "PUT /v1/kv/copy/x/two/", "PUT /v1/kv/x/one?flags=7 1", "PUT /v1/kv/x/two/")
}

func TestImportsRefuseWhatIsNoTree(t *testing.T) {
	for _, row := range []struct {
		name, want string
		args       []string
	}{
		{"nothing", "Error! Missing DATA argument\n", nil},
		{"two", "Error! Too many arguments (expected 1, got 2)\n", []string{"[]", "[]"}},
		{"no JSON", "Cannot unmarshal data: invalid character 'x' looking for beginning of value\n", []string{"x"}},
		{"no file", "Error! Failed to read file: open no.json: no such file or directory\n", []string{"@no.json"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			want(t, 1, "", row.want, append([]string{"kv", "import"}, row.args...)...)
		})
	}
	want(t, 1, "", "Too many arguments (expected 1, got 2)\n", "kv", "export", "a", "b")
}

func TestKeysAreServedAsTheyAre(t *testing.T) {
	a := answer(t, map[string]string{
		"PUT /v1/kv/%2e%2e/agent/leave":          `true`,
		"PUT /v1/kv/a/%2Fb/%2e/c":                `true`,
		"GET /v1/kv/%2e%2e/agent/leave":          `[{"Key":"../agent/leave","Value":"eA=="}]`,
		"DELETE /v1/kv/%2e%2e":                   `true`,
		"GET /v1/kv/%2e%2e/?recurse=":            `[]`,
		"PUT /v1/kv/x/%2e%2e/%2e%2e/y":           `true`,
		"PUT /v1/agent/force-leave/%2e%2e/leave": ``,
		"PUT /v1/event/fire/%2e%2e/%2e%2e/agent": `{"ID":"1"}`,
		"GET /v1/kv/...?recurse=":                `[]`,
		"PUT /v1/kv/t/%2F":                       `true`,
	})
	want(t, 0, "Success! Data written to: ../agent/leave\n", "", "kv", "put", "../agent/leave", "x")
	want(t, 0, "Success! Data written to: a//b/./c\n", "", "kv", "put", "a//b/./c", "x")
	want(t, 0, "x\n", "", "kv", "get", "../agent/leave")
	want(t, 0, "Success! Deleted key: ..\n", "", "kv", "delete", "..")
	want(t, 0, "[]\n", "", "kv", "export", "../")
	want(t, 0, "Imported: x/../../y\n", "", "kv", "import", `[{"key":"x/../../y","flags":0,"value":"eA=="}]`)
	want(t, 0, "", "", "force-leave", "../leave")
	want(t, 0, "Event ID: 1\n", "", "event", "-name", "../../agent")
	want(t, 0, "[]\n", "", "kv", "export", "...")
	want(t, 0, "Success! Data written to: t//\n", "", "kv", "put", "t//", "x")
	if len(a.asked) != 10 {
		t.Errorf("asked %q", a.asked)
	}
}
