package cli_test

import "testing"

// TestOperatorBackup has what the endpoint answers, and what of it is shown.
func TestOperatorBackup(t *testing.T) {
	const last = `"Last":{"Name":"praetor-1790000000000000000.snap","Time":"2026-09-21T13:33:20Z","Index":0,"Bytes":0,"Took":""}`
	play(t, `
$ operator backup status
< GET /v1/operator/backup
> {"Configured":false,"Interval":"1h0m0s","Retain":30}
| The servers take no backups: set "backups" in their configuration.
$ operator backup status -stale -token=t
< GET /v1/operator/backup?stale= token=t
> {"Configured":true,"Target":"/b","Interval":"1h0m0s","Retain":30,"Next":"2026-11-29T10:00:00Z"}
| Target         /b
| Interval       1h0m0s
| Retain         30
| Encrypted      false
| Last           none yet
| Next           2026-11-29T10:00:00Z
$ operator backup now
< PUT /v1/operator/backup
> {"Configured":true,"Target":"s3://bucket/praetor","Interval":"15m0s","Retain":0,"Encrypted":true,"Running":false,"Last":{"Name":"praetor-1790000000000000000.snap.age","Time":"2026-09-21T13:33:20Z","Index":812,"Bytes":1572864,"Took":"1.5s"},"Next":"2026-09-21T13:48:20Z"}
| Target         s3://bucket/praetor
| Interval       15m0s
| Retain         0
| Encrypted      true
| Last           praetor-1790000000000000000.snap.age
| Taken          2026-09-21T13:33:20Z
| Size           1.5MB
| Index          812
| Took           1.5s
| Next           2026-09-21T13:48:20Z
$ operator backup status
< GET /v1/operator/backup
> {"Configured":true,"Target":"/b","Interval":"1h0m0s","Retain":30,"Running":true,`+last+`,"Failures":2,"Failure":"keep the backup in /b: no space left on device","FailedAt":"2026-09-21T14:33:20Z"}
| Target         /b
| Interval       1h0m0s
| Retain         30
| Encrypted      false
| Last           praetor-1790000000000000000.snap
| Taken          2026-09-21T13:33:20Z
| Next           running
| Failures       2
| Failed         2026-09-21T14:33:20Z
| Error          keep the backup in /b: no space left on device
$ operator backup status -format=json
< GET /v1/operator/backup
> {"Configured":true,"Target":"/b","Interval":"1h0m0s","Retain":30,"Running":true,`+last+`}
…
|     "Target": "/b",
…
|     "Running": true,
|     "Last": {
|         "Name": "praetor-1790000000000000000.snap",
…
$ operator backup now
< PUT /v1/operator/backup
> 500 keep the backup in /b: permission denied
! Error asking for the backups: Unexpected response code: 500 (keep the backup in /b: permission denied)
= 1
$ operator backup now -format=yaml
! Unknown format: yaml
= 1
$ operator backup now x
! Too many arguments (expected 0, got 1)
= 1
$ operator backup status x y
! Too many arguments (expected 0, got 2)
= 1
$ operator raft recover /var/lib/praetor
! Too many arguments (expected 0, got 1)
= 1
$ operator raft recover
! Error recovering: give the server's data folder with -data-dir
= 1
`)
}
