package configentry_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/hashicorp/consul/api"

	"praetor/internal/configentry"
)

// TestEntriesAreStoredInThisForm: logs, snapshots and clients hold it, so a member
// that is renamed or left out is lost there (reference/http-mesh-ui.md §1).
func TestEntriesAreStoredInThisForm(t *testing.T) {
	bodies := samples(t)
	if len(bodies) != len(stored) {
		t.Fatalf("%d samples, %d forms", len(bodies), len(stored))
	}
	for i, body := range bodies {
		if got := indented(t, prepare(body)); got != stored[i] {
			t.Errorf("%s\ngot\n%s\nwant\n%s", body, got, stored[i])
		}
	}
}

// TestStoredEntriesAreLoadedAsTheyAre, with what newer versions add passed over.
func TestStoredEntriesAreLoadedAsTheyAre(t *testing.T) {
	for _, text := range stored {
		kind := configentry.KindOf(decoded(t, text))
		for _, body := range []string{text, strings.Replace(text, "{", `{"FromTheFuture": {"a": 1},`, 1)} {
			entry, err := configentry.Load(kind, []byte(body))
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			again, err := configentry.Encode(entry)
			if err != nil || indented(t, string(again)) != text {
				t.Errorf("%s: %v\ngot\n%s\nwant\n%s", kind, err, again, text)
			}
		}
		if _, err := configentry.Load(kind, []byte(text[1:])); err == nil {
			t.Errorf("%s: loaded from half a text", kind)
		}
	}
	if _, err := configentry.Load("bogus", []byte("{}")); err == nil || err.Error() != "invalid config entry kind: bogus" {
		t.Errorf("a kind that is none: %v", err)
	}
}

// TestEveryMemberIsReadInEverySpelling: CamelCase, snake_case, and letters of any case.
func TestEveryMemberIsReadInEverySpelling(t *testing.T) {
	for _, text := range stored {
		var members map[string]any
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		for name, spell := range map[string]func(string) string{
			"snake_case": snake, "lower case": strings.ToLower, "upper case": strings.ToUpper,
		} {
			if name == "upper case" {
				members["Kind"] = configentry.KindOf(decoded(t, text)) // it names the type
			}
			body, err := json.Marshal(spelled(members, spell, true))
			if err != nil {
				t.Fatal(err)
			}
			if name == "upper case" {
				body = bytes.Replace(body, []byte(`"KIND"`), []byte(`"Kind"`), 1)
			}
			if got := prepare(string(body)); !strings.HasPrefix(got, "{") || indented(t, got) != text {
				t.Errorf("in %s: %s\ngot\n%s\nwant\n%s", name, body, got, text)
			}
		}
	}
}

// freeKeys hold maps whose keys are the user's; below the first two everything is.
var freeKeys = map[string]bool{"Config": true, "Arguments": true, "Meta": false, "LegacyMeta": false, "Subsets": false, "Failover": false, "Add": false, "Set": false}

// spelled writes the names of members in another way.
func spelled(value any, spell func(string) string, members bool) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, e := range v {
			all, free := freeKeys[key]
			if !all {
				_, isMap := e.(map[string]any)
				e = spelled(e, spell, !(free && isMap && members))
			}
			if members {
				key = spell(key)
			}
			out[key] = e
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = spelled(e, spell, true)
		}
		return out
	}
	return value
}

// snake writes MaxInboundConnections as max_inbound_connections. Two members have no
// such name.
func snake(name string) string {
	if name == "ConsulVersion" || name == "EnvoyVersion" {
		return name
	}
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		next := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(letters[i-1]) || next) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// TestPublicClientKnowsEveryMember: what is stored comes through the types of the
// public client as it is.
func TestPublicClientKnowsEveryMember(t *testing.T) {
	for _, text := range stored {
		entry, err := api.DecodeConfigEntryFromJSON([]byte(text))
		if err != nil {
			t.Errorf("%v:\n%s", err, text)
			continue
		}
		shown, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		var ours, theirs map[string]any
		if err := json.Unmarshal([]byte(text), &ours); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(shown, &theirs); err != nil {
			t.Fatal(err)
		}
		if path := missing(ours, theirs); path != "" {
			t.Errorf("%s%s is not known to the client:\n%s", entry.GetKind(), path, shown)
		}
	}
}

// missing is the path of something in ours that theirs lacks; what is empty may be
// left out.
func missing(ours, theirs any) string {
	switch v := ours.(type) {
	case map[string]any:
		other, _ := theirs.(map[string]any)
		for key, e := range v {
			if key == "InlineBytes" {
				continue // the client reads the text as the bytes
			}
			if path := missing(e, other[key]); path != "" {
				return "." + key + path
			}
		}
		return ""
	case []any:
		other, _ := theirs.([]any)
		for i, e := range v {
			if i >= len(other) {
				return "[]"
			}
			if path := missing(e, other[i]); path != "" {
				return "[]" + path
			}
		}
		return ""
	}
	if ours == nil || reflect.ValueOf(ours).IsZero() || reflect.DeepEqual(ours, theirs) {
		return ""
	}
	return "="
}

func decoded(t *testing.T, body string) configentry.Entry {
	t.Helper()
	entry, err := configentry.DecodeJSON(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b.String()
}

// stored has the form of each sample, in their order.
var stored = []string{
	`{
  "Kind": "service-defaults",
  "Meta": {
    "a": "b"
  },
  "Name": "web",
  "Protocol": "http",
  "Mode": "transparent",
  "TransparentProxy": {
    "OutboundListenerPort": 15001,
    "DialedDirectly": true
  },
  "MutualTLSMode": "strict",
  "MeshGateway": {
    "Mode": "local"
  },
  "Expose": {
    "Checks": true,
    "Paths": [
      {
        "ListenerPort": 8080,
        "Path": "/m",
        "LocalPathPort": 9090,
        "Protocol": "http2"
      }
    ]
  },
  "ExternalSNI": "x.example",
  "UpstreamConfig": {
    "Overrides": [
      {
        "Name": "db",
        "Peer": "east",
        "ConnectTimeoutMs": 300,
        "Limits": {
          "MaxConnections": 1,
          "MaxPendingRequests": 2,
          "MaxConcurrentRequests": 3
        },
        "PassiveHealthCheck": {
          "Interval": 10000000000,
          "MaxFailures": 2,
          "EnforcingConsecutive5xx": 4,
          "MaxEjectionPercent": 5,
          "BaseEjectionTime": 30000000000
        },
        "MeshGateway": {
          "Mode": "remote"
        },
        "BalanceOutboundConnections": "exact_balance"
      }
    ],
    "Defaults": {
      "Peer": "",
      "Protocol": "tcp",
      "MeshGateway": {}
    }
  },
  "Destination": {
    "Addresses": [
      "db.example"
    ],
    "Port": 5432
  },
  "MaxInboundConnections": 9,
  "LocalConnectTimeoutMs": 10,
  "LocalRequestTimeoutMs": 11,
  "BalanceInboundConnections": "exact_balance",
  "RateLimits": {
    "InstanceLevel": {
      "RequestsPerSecond": 0,
      "RequestsMaxBurst": 0,
      "Routes": null
    }
  },
  "EnvoyExtensions": [
    {
      "Name": "builtin/lua",
      "Required": true,
      "Arguments": {
        "Listener": "inbound",
        "Script": "s",
        "deep": {
          "a": [
            1,
            "x",
            null
          ]
        }
      },
      "ConsulVersion": "",
      "EnvoyVersion": ""
    }
  ]
}`,
	`{
  "Kind": "proxy-defaults",
  "Name": "global",
  "Config": {
    "deep": {
      "a": [
        1,
        "x"
      ]
    },
    "n": 1,
    "protocol": "http"
  },
  "Mode": "direct",
  "TransparentProxy": {},
  "MeshGateway": {
    "Mode": "none"
  },
  "Expose": {
    "Checks": true
  },
  "AccessLogs": {
    "Enabled": true,
    "Type": "file",
    "Path": "/x",
    "TextFormat": "%x"
  },
  "FailoverPolicy": {
    "Mode": "order-by-locality",
    "Regions": [
      "eu"
    ]
  },
  "PrioritizeByLocality": {}
}`,
	`{
  "Kind": "service-router",
  "Name": "web",
  "Routes": [
    {
      "Match": {
        "HTTP": {
          "PathPrefix": "/x",
          "CaseInsensitive": true,
          "Header": [
            {
              "Name": "h",
              "Exact": "1",
              "Invert": true
            }
          ],
          "QueryParam": [
            {
              "Name": "q",
              "Regex": "a"
            }
          ],
          "Methods": [
            "GET"
          ]
        }
      },
      "Destination": {
        "Service": "other",
        "ServiceSubset": "v1",
        "PrefixRewrite": "/",
        "RequestTimeout": "3s",
        "IdleTimeout": "1m0s",
        "NumRetries": 2,
        "RetryOnConnectFailure": true,
        "RetryOn": [
          "reset"
        ],
        "RetryOnStatusCodes": [
          503
        ],
        "RequestHeaders": {
          "Add": {
            "a": "b"
          },
          "Set": {
            "c": "d"
          },
          "Remove": [
            "e"
          ]
        }
      }
    }
  ]
}`,
	`{
  "Kind": "service-splitter",
  "Name": "web",
  "Splits": [
    {
      "Weight": 90.5,
      "ResponseHeaders": {
        "Add": {
          "a": "b"
        }
      }
    },
    {
      "Weight": 9.5,
      "Service": "other",
      "ServiceSubset": "v1"
    }
  ]
}`,
	`{
  "Kind": "service-resolver",
  "Name": "web",
  "DefaultSubset": "v1",
  "Subsets": {
    "v1": {
      "Filter": "Service.Meta.v == 1",
      "OnlyPassing": true
    },
    "v2": {}
  },
  "Failover": {
    "*": {
      "Datacenters": [
        "dc2"
      ]
    },
    "v1": {
      "Targets": [
        {
          "Service": "b",
          "Datacenter": "dc2"
        },
        {
          "Peer": "p"
        }
      ],
      "Policy": {}
    }
  },
  "PrioritizeByLocality": {},
  "ConnectTimeout": "5s",
  "RequestTimeout": "1m30s",
  "LoadBalancer": {
    "Policy": "ring_hash",
    "RingHashConfig": {
      "MinimumRingSize": 1,
      "MaximumRingSize": 2
    },
    "HashPolicies": [
      {
        "Field": "cookie",
        "FieldValue": "c",
        "CookieConfig": {
          "TTL": 3600000000000,
          "Path": "/"
        },
        "Terminal": true
      },
      {
        "SourceIP": true
      }
    ]
  }
}`,
	`{
  "Kind": "service-resolver",
  "Name": "old",
  "Redirect": {
    "Service": "web",
    "ServiceSubset": "v2",
    "Datacenter": "dc2"
  }
}`,
	`{
  "Kind": "service-intentions",
  "Meta": {
    "m": "1"
  },
  "Name": "db",
  "Sources": [
    {
      "Name": "web",
      "Permissions": [
        {
          "Action": "allow",
          "HTTP": {
            "PathExact": "/x",
            "Header": [
              {
                "Name": "h",
                "Contains": "v",
                "IgnoreCase": true
              }
            ],
            "Methods": [
              "PUT"
            ]
          },
          "JWT": {
            "Providers": [
              {
                "Name": "j",
                "VerifyClaims": [
                  {
                    "Path": [
                      "a",
                      "b"
                    ],
                    "Value": "c"
                  }
                ]
              }
            ]
          }
        }
      ],
      "Precedence": 9,
      "Type": "consul",
      "Description": "d"
    },
    {
      "Name": "far",
      "Action": "allow",
      "Precedence": 9,
      "Type": "consul",
      "Peer": "east"
    },
    {
      "Name": "old",
      "Action": "allow",
      "Precedence": 9,
      "LegacyID": "11111111-1111-1111-1111-111111111111",
      "Type": "consul",
      "LegacyMeta": {
        "k": "v"
      },
      "LegacyCreateTime": "2026-01-02T03:04:05Z"
    },
    {
      "Name": "*",
      "Action": "deny",
      "Precedence": 8,
      "Type": "consul"
    }
  ],
  "JWT": {
    "Providers": [
      {
        "Name": "j"
      }
    ]
  }
}`,
	`{
  "Kind": "mesh",
  "Meta": {
    "a": "b"
  },
  "TransparentProxy": {
    "MeshDestinationsOnly": true
  },
  "AllowEnablingPermissiveMutualTLS": true,
  "ValidateClusters": true,
  "TLS": {
    "Incoming": {
      "TLSMinVersion": "TLSv1_1",
      "TLSMaxVersion": "TLSv1_2",
      "CipherSuites": [
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
      ]
    },
    "Outgoing": {
      "TLSMinVersion": "TLS_AUTO"
    }
  },
  "HTTP": {
    "SanitizeXForwardedClientCert": true,
    "Incoming": {
      "RequestNormalization": {
        "MergeSlashes": true,
        "PathWithEscapedSlashesAction": "REJECT_REQUEST",
        "HeadersWithUnderscoresAction": "ALLOW"
      }
    }
  },
  "Peering": {
    "PeerThroughMeshGateways": true
  }
}`,
	`{
  "Kind": "exported-services",
  "Name": "default",
  "Services": [
    {
      "Name": "web",
      "Consumers": [
        {
          "Peer": "east"
        }
      ]
    },
    {
      "Name": "*",
      "Consumers": [
        {
          "Peer": "west"
        }
      ]
    }
  ]
}`,
	`{
  "Kind": "ingress-gateway",
  "Name": "in",
  "TLS": {
    "Enabled": true,
    "SDS": {
      "ClusterName": "c",
      "CertResource": "r"
    },
    "TLSMinVersion": "TLSv1_2"
  },
  "Listeners": [
    {
      "Port": 8080,
      "Protocol": "http",
      "Services": [
        {
          "Name": "*",
          "Hosts": null
        }
      ]
    },
    {
      "Port": 8081,
      "Protocol": "http",
      "TLS": {
        "Enabled": true
      },
      "Services": [
        {
          "Name": "web",
          "Hosts": [
            "a.example"
          ],
          "TLS": {
            "SDS": {
              "ClusterName": "c",
              "CertResource": "r"
            }
          },
          "RequestHeaders": {
            "Set": {
              "a": "b"
            }
          },
          "MaxConnections": 4,
          "PassiveHealthCheck": {
            "Interval": 1000000000,
            "MaxFailures": 1
          }
        }
      ]
    }
  ],
  "Defaults": {
    "MaxConnections": 3,
    "MaxPendingRequests": 0,
    "MaxConcurrentRequests": 0
  }
}`,
	`{
  "Kind": "terminating-gateway",
  "Name": "out",
  "Services": [
    {
      "Name": "legacy",
      "CAFile": "/ca",
      "CertFile": "/c",
      "KeyFile": "/k",
      "SNI": "l.example",
      "DisableAutoHostRewrite": true
    },
    {
      "Name": "*"
    }
  ]
}`,
	`{
  "Kind": "api-gateway",
  "Name": "gw",
  "Listeners": [
    {
      "Name": "l",
      "Hostname": "a.example",
      "Port": 8443,
      "Protocol": "http",
      "TLS": {
        "Certificates": [
          {
            "Kind": "inline-certificate",
            "Name": "c",
            "SectionName": ""
          }
        ],
        "MaxVersion": "",
        "MinVersion": "TLSv1_2",
        "CipherSuites": null
      },
      "Default": {
        "JWT": {}
      }
    }
  ],
  "Status": {
    "Conditions": []
  }
}`,
	`{
  "Kind": "http-route",
  "Name": "r",
  "Parents": [
    {
      "Kind": "api-gateway",
      "Name": "gw",
      "SectionName": "l"
    }
  ],
  "Rules": [
    {
      "Filters": {
        "Headers": [
          {
            "Add": {
              "a": "b"
            },
            "Remove": [
              "c"
            ],
            "Set": {
              "d": "e"
            }
          }
        ],
        "URLRewrite": {
          "Path": "/y"
        },
        "RetryFilter": {
          "NumRetries": 1,
          "RetryOn": [
            "reset"
          ],
          "RetryOnStatusCodes": [
            500
          ],
          "RetryOnConnectFailure": true
        },
        "TimeoutFilter": {
          "RequestTimeout": 1000000000,
          "IdleTimeout": 2000000000
        },
        "JWT": {}
      },
      "ResponseFilters": {
        "Headers": [
          {
            "Add": null,
            "Remove": null,
            "Set": {
              "x": "y"
            }
          }
        ]
      },
      "Matches": [
        {
          "Headers": [
            {
              "Match": "exact",
              "Name": "h",
              "Value": "v"
            }
          ],
          "Method": "GET",
          "Path": {
            "Match": "prefix",
            "Value": "/x"
          },
          "Query": [
            {
              "Match": "present",
              "Name": "q",
              "Value": ""
            }
          ]
        }
      ],
      "Services": [
        {
          "Name": "web",
          "Weight": 2,
          "Filters": {
            "Headers": null,
            "URLRewrite": null,
            "RetryFilter": null,
            "TimeoutFilter": null,
            "JWT": null
          },
          "ResponseFilters": {
            "Headers": null
          }
        }
      ]
    }
  ],
  "Hostnames": [
    "a.example"
  ],
  "Status": {
    "Conditions": []
  }
}`,
	`{
  "Kind": "tcp-route",
  "Name": "t",
  "Parents": [
    {
      "Kind": "api-gateway",
      "Name": "gw",
      "SectionName": ""
    }
  ],
  "Services": [
    {
      "Name": "web"
    }
  ],
  "Status": {
    "Conditions": []
  }
}`,
	`{
  "Kind": "inline-certificate",
  "Meta": {
    "a": "b"
  },
  "Name": "c",
  "Certificate": "-----BEGIN CERTIFICATE-----\nMIIBdTCCARugAwIBAgIURh/KItLjRSl5uKPLiGlTzrTkGIYwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjMxNTM0MDdaGA8yMTI2MTAzMDE1MzQw\nN1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEji\nqaBczEiyYFNuODWRwfUtbKKk+sNCKxXU330T1AkYeJXIbDLF9kx0Irk5xo/7VB/6\nKm74PStrtl3BvILi/4ajUzBRMB0GA1UdDgQWBBR8zhxzVgJR3Jr1eAwcdLEPLEy6\nCDAfBgNVHSMEGDAWgBR8zhxzVgJR3Jr1eAwcdLEPLEy6CDAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0gAMEUCIAj+dLdA7JyxNbb8blMepVZaGDPH9zViHERz\nmjNc8FpyAiEA9bRqRZ8t+1ShusFO+udTbvCKZyrkWjxKrdDvHOv/wXE=\n-----END CERTIFICATE-----\n",
  "PrivateKey": "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBwTR1E09udphASAY\nhsH22QyTneKKh25HEwE057Wm8aWhRANCAARI4qmgXMxIsmBTbjg1kcH1LWyipPrD\nQisV1N99E9QJGHiVyGwyxfZMdCK5OcaP+1Qf+ipu+D0ra7ZdwbyC4v+G\n-----END PRIVATE KEY-----\n"
}`,
	`{
  "Kind": "file-system-certificate",
  "Name": "f",
  "Certificate": "/c.pem",
  "PrivateKey": "/k.pem"
}`,
	`{
  "Kind": "jwt-provider",
  "Name": "j",
  "JSONWebKeySet": {
    "Remote": {
      "URI": "https://x/jwks",
      "RequestTimeoutMs": 5,
      "CacheDuration": 60000000000,
      "FetchAsynchronously": true,
      "UseSNI": true,
      "RetryPolicy": {
        "NumRetries": 2,
        "RetryPolicyBackOff": {
          "BaseInterval": 1000000000,
          "MaxInterval": 2000000000
        }
      },
      "JWKSCluster": {
        "DiscoveryType": "STRICT_DNS",
        "TLSCertificates": {
          "TrustedCA": {
            "Filename": "/ca",
            "InlineBytes": "AQI="
          }
        },
        "ConnectTimeout": 3000000000
      }
    }
  },
  "Issuer": "i",
  "Audiences": [
    "a"
  ],
  "Locations": [
    {
      "Header": {
        "Name": "A",
        "ValuePrefix": "Bearer ",
        "Forward": true
      }
    },
    {
      "QueryParam": {
        "Name": "t"
      }
    },
    {
      "Cookie": {
        "Name": "t"
      }
    }
  ],
  "Forwarding": {
    "HeaderName": "X",
    "PadForwardPayloadHeader": true
  },
  "ClockSkewSeconds": 5,
  "CacheConfig": {
    "Size": 3
  }
}`,
	`{
  "Kind": "rate-limit",
  "Meta": {
    "a": "b"
  },
  "Name": "global",
  "config": {
    "ReadRate": 100.5,
    "WriteRate": 0,
    "priority": true,
    "excludeEndpoints": [
      "Health.Check",
      "Status.Leader"
    ]
  }
}`,
}
