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
		"GET /v1/agent/self":                     `{}`,
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
	if len(a.asked) != 11 {
		t.Errorf("asked %q", a.asked)
	}
}

const pairAB = `[{"LockIndex":0,"Key":"a/b","Flags":0,"Value":"aGVsbG8=","CreateIndex":147,"ModifyIndex":147}]`

// TestKVGet: reference/cli.md §5.
func TestKVGet(t *testing.T) {
	play(t, `
$ kv get a/b
< GET /v1/kv/a/b
> `+pairAB+`
| hello
$ kv get /a/b
< GET /v1/kv/a/b
> `+pairAB+`
| hello
$ kv get -base64 a/b
< GET /v1/kv/a/b
> `+pairAB+`
| aGVsbG8=
$ kv get -detailed a/b
< GET /v1/kv/a/b
> `+pairAB+`
| CreateIndex      147
| Flags            0
| Key              a/b
| LockIndex        0
| ModifyIndex      147
| Session          -
| Value            hello
$ kv get -detailed -base64 l
< GET /v1/kv/l
> [{"LockIndex":3,"Key":"l","Flags":42,"Value":"aGVsbG8=","CreateIndex":1,"ModifyIndex":9,"Session":"adf4238a-882b-9ddc-4a9d-5b6758e4159e"}]
| CreateIndex      1
| Flags            42
| Key              l
| LockIndex        3
| ModifyIndex      9
| Session          adf4238a-882b-9ddc-4a9d-5b6758e4159e
| Value            aGVsbG8=
$ kv get -recurse -detailed a
< GET /v1/kv/a?recurse=
> [{"Key":"a1","Value":"MQ==","CreateIndex":1,"ModifyIndex":1},{"Key":"a2","Value":"Mg==","CreateIndex":2,"ModifyIndex":2}]
| CreateIndex      1
| Flags            0
| Key              a1
| LockIndex        0
| ModifyIndex      1
| Session          -
| Value            1
| 
| CreateIndex      2
| Flags            0
| Key              a2
| LockIndex        0
| ModifyIndex      2
| Session          -
| Value            2
$ kv get -recurse a
< GET /v1/kv/a?recurse=
> [{"Key":"a1","Value":"MQ=="},{"Key":"a2","Value":null}]
| a1:1
| a2:
$ kv get -recurse -base64 a
< GET /v1/kv/a?recurse=
> [{"Key":"a1","Value":"MQ=="}]
| a1:MQ==
$ kv get -recurse
< GET /v1/kv/?recurse=
> 404
$ kv get -keys
< GET /v1/kv/?keys=&separator=%2F
> ["a","b/"]
| a
| b/
$ kv get -keys -separator=- /b
< GET /v1/kv/b?keys=&separator=-
> ["b-"]
| b-
$ kv get -keys -recurse b
< GET /v1/kv/b?keys=
> ["b/c/d"]
| b/c/d
$ kv get -keys -detailed b
< GET /v1/kv/b?keys=&separator=%2F
> ["b/"]
| b/
$ kv get -keys none
< GET /v1/kv/none?keys=&separator=%2F
> 404
$ kv get none
< GET /v1/kv/none
> 404
! Error! No key exists at: none
= 1
$ kv get -stale -datacenter=dc2 a
< GET /v1/kv/a?dc=dc2&stale=
> `+pairAB+`
| hello
$ kv get -namespace=n -partition=p a
< GET /v1/kv/a?ns=n&partition=p
> `+pairAB+`
| hello
$ kv get a
< GET /v1/kv/a
> 403 Permission denied: token with AccessorID 'x' lacks permission 'key:read' on "a"
! Error querying Consul agent: Unexpected response code: 403 (Permission denied: token with AccessorID 'x' lacks permission 'key:read' on "a")
= 1
$ kv get -recurse a
< GET /v1/kv/a?recurse=
> 500 No cluster leader
! Error querying Consul agent: Unexpected response code: 500 (No cluster leader)
= 1
$ kv get -keys a
< GET /v1/kv/a?keys=&separator=%2F
> 500 No cluster leader
! Error querying Consul agent: Unexpected response code: 500 (No cluster leader)
= 1
$ kv get
! Error! Missing KEY argument
= 1
$ kv get a b
! Too many arguments (expected 1, got 2)
= 1
`)
}

func TestKVPut(t *testing.T) {
	play(t, `
$ kv put a blue
< PUT /v1/kv/a blue
> true
| Success! Data written to: a
$ kv put a
< PUT /v1/kv/a
> true
| Success! Data written to: a
$ kv put a ''
< PUT /v1/kv/a
> true
| Success! Data written to: a
$ kv put -flags=42 a x
< PUT /v1/kv/a?flags=42 x
> true
| Success! Data written to: a
$ kv put a -
. from stdin
< PUT /v1/kv/a from stdin
> true
| Success! Data written to: a
$ kv put a -x
< PUT /v1/kv/a -x
> true
| Success! Data written to: a
$ kv put a @v.txt
+ v.txt from a file
< PUT /v1/kv/a from a file
> true
| Success! Data written to: a
$ kv put a @none.txt
! Error! Failed to read file: open none.txt: no such file or directory
= 1
$ kv put -base64 a aGVsbG8=
< PUT /v1/kv/a hello
> true
| Success! Data written to: a
$ kv put -base64 a !
< PUT /v1/kv/a
> true
| Success! Data written to: a
! Error! Cannot base 64 decode data: illegal base64 data at input byte 0
$ kv put -cas -modify-index=9 a x
< PUT /v1/kv/a?cas=9 x
> true
| Success! Data written to: a
$ kv put -cas -modify-index=9 a x
< PUT /v1/kv/a?cas=9 x
> false
! Error! Did not write to a: CAS failed
= 1
$ kv put -cas a x
< PUT /v1/kv/a?cas=0 x
> false
! Error! Did not write to a: CAS performed with index=0 and key already exists.
= 1
$ kv put -acquire -session=s1 a x
< PUT /v1/kv/a?acquire=s1 x
> true
| Success! Lock acquired on: a
$ kv put -acquire -session=s1 -flags=3 a x
< PUT /v1/kv/a?acquire=s1&flags=3 x
> false
! Error! Did not acquire lock
= 1
$ kv put -release -session=s1 a
< PUT /v1/kv/a?release=s1
> true
| Success! Lock released on: a
$ kv put -release -session=s1 a
< PUT /v1/kv/a?release=s1
> false
! Error! Did not release lock
= 1
$ kv put -acquire a @nope
! Error! Failed to read file: open nope: no such file or directory
= 1
$ kv put -acquire a x
! Error! Missing -session (required with -acquire and -release)
= 1
$ kv put -release a x
! Error! Missing -session (required with -acquire and -release)
= 1
$ kv put /a x
! Error! Failed writing data: Invalid key. Key must not begin with a '/': /a
= 1
$ kv put a x
< PUT /v1/kv/a x
> 500 No cluster leader
! Error! Failed writing data: Unexpected response code: 500 (No cluster leader)
= 1
$ kv put -datacenter=dc2 -token=t a x
< PUT /v1/kv/a?dc=dc2 token=t x
> true
| Success! Data written to: a
$ kv put
! Error! Missing KEY argument
= 1
$ kv put a b c
! Error! Too many arguments (expected 1 or 2, got 3)
= 1
`)
}

func TestKVDelete(t *testing.T) {
	play(t, `
$ kv delete a
< DELETE /v1/kv/a
> true
| Success! Deleted key: a
$ kv delete /a
< DELETE /v1/kv/a
> true
| Success! Deleted key: a
$ kv delete -recurse a/
< DELETE /v1/kv/a/?recurse=
> true
| Success! Deleted keys with prefix: a/
$ kv delete -recurse
< DELETE /v1/kv/?recurse=
> true
| Success! Deleted keys with prefix: 
$ kv delete -cas -modify-index=5 a
< DELETE /v1/kv/a?cas=5
> true
| Success! Deleted key: a
$ kv delete -cas -modify-index=5 a
< DELETE /v1/kv/a?cas=5
> false
! Error! Did not delete key a: CAS failed
= 1
$ kv delete -cas -modify-index=5 a
< DELETE /v1/kv/a?cas=5
> 500 no
! Error! Did not delete key a: Unexpected response code: 500 (no)
= 1
$ kv delete a
< DELETE /v1/kv/a
> 500 no
! Error deleting key a: Unexpected response code: 500 (no)
= 1
$ kv delete -recurse a
< DELETE /v1/kv/a?recurse=
> 500 no
! Error! Did not delete prefix a: Unexpected response code: 500 (no)
= 1
$ kv delete
! Error! Missing KEY argument
= 1
$ kv delete a b
! Too many arguments (expected 1, got 2)
= 1
$ kv delete -cas -recurse a
! Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.
= 1
$ kv delete -cas -recurse -modify-index=5 a
! Cannot specify both -cas and -recurse!
= 1
$ kv delete -recurse -modify-index=5 a
! Cannot specify -modify-index without -cas!
= 1
$ kv delete -cas a
! Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.
= 1
$ kv delete -modify-index=3 a
! Cannot specify -modify-index without -cas!
= 1
`)
}

func TestKVExportAndImport(t *testing.T) {
	play(t, `
$ kv export /a/
< GET /v1/kv/a/?recurse=
> [{"Key":"a/b","Flags":7,"Value":"MQ=="}]
| [
| 	{
| 		"key": "a/b",
| 		"flags": 7,
| 		"value": "MQ=="
| 	}
| ]
$ kv export -stale -datacenter=dc2
< GET /v1/kv/?dc=dc2&recurse=&stale=
> 404
| []
$ kv export a
< GET /v1/kv/a?recurse=
> 500 no
! Error querying Consul agent: Unexpected response code: 500 (no)
= 1
$ kv import -
. [{"key":"a/","flags":0,"value":""},{"key":"b","flags":3,"value":"MQ=="}]
< PUT /v1/kv/a/
> true
< PUT /v1/kv/b?flags=3 1
> true
| Imported: a/
| Imported: b
$ kv import -prefix=x/y @t.json
+ t.json [{"key":"a/","value":""},{"key":"b/c","value":"MQ=="}]
< PUT /v1/kv/x/y/a/
> true
< PUT /v1/kv/x/y/b/c 1
> true
| Imported: x/y/a/
| Imported: x/y/b/c
$ kv import [{"key":"a","value":"QQ=="},{"key":"b","value":"***"}]
< PUT /v1/kv/a A
> true
| Imported: a
! Error base 64 decoding value for key b: illegal base64 data at input byte 0
= 1
$ kv import -datacenter=dc2 [{"key":"a"},{"key":"b"}]
< PUT /v1/kv/a?dc=dc2
> 500 full
! Error! Failed writing data for key a: Unexpected response code: 500 (full)
= 1
`)
}
