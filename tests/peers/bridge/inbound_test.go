package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"google.golang.org/protobuf/testing/protocmp"
)

const username = `desk!#$%&'*+-.^_|~@[]{}"\`

var passwords = map[string]string{
	"quotes and backslashes": `"double" 'single' \back\ \" \u0041`,
	"not ASCII":              "pässwörd пароль 密码 🔑",
	"not normalised":         "e\u0301 \u00e9",
	"space around":           "  space around  ",
	"SIP, URL, XML, shell":   `<sip:a@b;c=d>?x=%00%41&amp;${HOME}$(id),:@/`,
	"one character":          "x",
	"256 characters":         strings.Repeat("密", 255) + "x",
}

// Who is challenged, where the call goes, in which room, with which attributes.
func TestInboundCall(t *testing.T) {
	login := [2]string{"desk", "correct horse"}
	for _, c := range []struct {
		name      string
		body      body
		challenge [2]string
	}{
		{"without credentials", carrier("inbound"), [2]string{}},
		{"with credentials", withLogin(carrier("inbound")), login},
		{"with credentials, digest", withLogin(carrier("inbound")).with(body{"inbound_auth": "digest"}), login},
		{"with credentials, none", withLogin(carrier("inbound")).with(body{"inbound_auth": "none"}), [2]string{}},
		{"both, without credentials", carrier("both"), [2]string{}},
		{"both, with credentials", withLogin(carrier("both")), [2]string{}},
		{"both, with credentials, digest", withLogin(carrier("both")).with(body{"inbound_auth": "digest"}), login},
		{"both, with credentials, none", withLogin(carrier("both")).with(body{"inbound_auth": "none"}), [2]string{}},
		{"LiveKit's own number", body{"name": "Number", "kind": "livekit", "direction": "inbound"}, [2]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := plain.create(t, c.body)
			if want := fmt.Sprintf("sip:%s@%s", made.ID, sipHost); made.InboundSIPURI != want {
				t.Errorf("the carrier is told %s, not %s", made.InboundSIPURI, want)
			}
			authentication, dispatch := sipBridge.ask(t, inboundCall{to: made.ID})
			checkAuthentication(t, made, c.challenge[0], c.challenge[1], authentication)
			checkDispatch(t, plain, made, nil, livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW, dispatch)
		})
	}
}

func TestInboundPassword(t *testing.T) {
	for name, password := range passwords {
		t.Run(name, func(t *testing.T) {
			made := plain.create(t, carrier("inbound").with(body{"auth_username": username, "auth_password": password}))
			authentication := sipBridge.authentication(t, inboundCall{to: made.ID})
			checkAuthentication(t, made, username, password, authentication)
		})
	}
}

func TestInboundEncryption(t *testing.T) {
	for policy, want := range map[string]livekit.SIPMediaEncryption{
		"disable": livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_DISABLE,
		"allow":   livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW,
		"require": livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_REQUIRE,
	} {
		for name, body := range map[string]body{
			"inbound": carrier("inbound"),
			"both":    carrier("both"),
			"livekit": {"name": "Number", "kind": "livekit", "direction": "inbound"},
		} {
			t.Run(policy+"/"+name, func(t *testing.T) {
				made := plain.create(t, body.with(map[string]any{"media_encryption": policy}))
				_, dispatch := sipBridge.ask(t, inboundCall{to: made.ID})
				checkDispatch(t, plain, made, nil, want, dispatch)
			})
		}
	}
}

// Two trunks of one workspace and one of another, with everything in common that they can have: a call of each is its
// own, and no other's.
func TestEachCallGoesToItsOwnTrunk(t *testing.T) {
	other := plain.inOtherWorkspace()
	first, second := plain.create(t, carrier("inbound")), plain.create(t, carrier("inbound"))
	foreign := other.create(t, withLogin(carrier("inbound")))

	t.Run("first", func(t *testing.T) { checkOwnCall(t, first, "") })
	t.Run("second", func(t *testing.T) { checkOwnCall(t, second, "") })
	t.Run("of the other workspace", func(t *testing.T) { checkOwnCall(t, foreign, "desk") })

	t.Run("workspaces differ", func(t *testing.T) {
		workspace := func(made trunk) string {
			_, dispatch := sipBridge.ask(t, inboundCall{to: made.ID})
			return dispatch.ParticipantAttributes["trunkline.workspace_id"]
		}
		if workspace(first) != plain.WorkspaceID || workspace(second) != plain.WorkspaceID {
			t.Error("a call does not name the workspace of its trunk")
		}
		if name := workspace(foreign); !strings.HasPrefix(name, "ws_") || name == plain.WorkspaceID {
			t.Errorf("a call of the other workspace names %q", name)
		}
	})

	// The trunk that the bridge passes on from the first question opens nothing that was not called.
	t.Run("another trunk given to the second question", func(t *testing.T) {
		checkDropped(t, sipBridge.dispatch(t, inboundCall{to: first.ID}, foreign.InboundTrunkID))
	})
	t.Run("a trunk given for an unknown number", func(t *testing.T) {
		checkDropped(t, sipBridge.dispatch(t, inboundCall{to: caller}, first.InboundTrunkID))
	})
}

func checkOwnCall(t *testing.T, made trunk, username string) {
	t.Helper()
	authentication, dispatch := sipBridge.ask(t, inboundCall{to: made.ID})
	if authentication.SipTrunkId != made.InboundTrunkID || authentication.Username != username {
		t.Errorf("%s was asked for by %s", authentication.Username, authentication.SipTrunkId)
	}
	if dispatch.SipTrunkId != made.InboundTrunkID || dispatch.SipDispatchRuleId != made.DispatchRuleID ||
		dispatch.ParticipantAttributes["trunkline.trunk_id"] != made.ID {
		t.Errorf("the call went elsewhere: %v", dispatch)
	}
}

// What names no trunk gets none, though there are trunks and rules.
func TestUnknownNumber(t *testing.T) {
	made := plain.create(t, carrier("both"))
	outbound := plain.create(t, carrier("outbound"))
	for name, to := range map[string]string{
		"an id that no trunk has":      "trunk_01jd000000e00800000000000a",
		"a phone number":               "+12025550100",
		"a phone number without plus":  "12025550100",
		"a phone number, written well": "+1 (202) 555-0100",
		"nobody":                       "",
		"the id in upper case":         strings.ToUpper(made.ID),
		"the id, cut short":            made.ID[:len(made.ID)-1],
		"the id and more":              made.ID + "0",
		"the id after a plus":          "+" + made.ID,
		"the id without its prefix":    strings.TrimPrefix(made.ID, "trunk_"),
		"LiveKit's id of the trunk":    made.InboundTrunkID,
		"the room's name":              made.ID + "_" + caller,
		"an outbound trunk":            outbound.ID,
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, inboundCall{to: to}) })
	}
}

func TestAllowedAddresses(t *testing.T) {
	made := plain.create(t, withLogin(carrier("inbound")).with(body{"allowed_addresses": []string{
		"203.0.113.7", "198.51.100.0/24", "192.0.2.128/25", "2001:db8:1::1", "2001:db8:2::/48",
		"::ffff:192.0.2.5", "::ffff:192.0.2.64/123",
	}}))
	for _, inside := range []string{
		"203.0.113.7", "198.51.100.0", "198.51.100.255", "192.0.2.128", "192.0.2.5", "192.0.2.64", "192.0.2.95",
		"2001:db8:1::1", "2001:0db8:0001:0:0:0:0:1", "2001:db8:2::", "2001:db8:2:ffff:ffff:ffff:ffff:ffff",
	} {
		t.Run("inside/"+inside, func(t *testing.T) {
			authentication, dispatch := sipBridge.ask(t, inboundCall{to: made.ID, source: inside})
			checkAuthentication(t, made, "desk", "correct horse", authentication)
			checkDispatch(t, plain, made, nil, livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW, dispatch)
		})
	}
	for _, outside := range []string{
		"203.0.113.6", "203.0.113.8", "198.51.99.255", "198.51.101.0", "192.0.2.127", "192.0.2.4", "192.0.2.96", "127.0.0.1",
		"2001:db8:1::2", "2001:db8:1::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", "2001:db8:3::1", "::1",
	} {
		t.Run("outside/"+outside, func(t *testing.T) {
			call := inboundCall{to: made.ID, source: outside}
			checkRefused(t, call)
			// Nor when the bridge already knows the trunk.
			checkDropped(t, sipBridge.dispatch(t, call, made.InboundTrunkID))
		})
	}
}

func TestEverySource(t *testing.T) {
	for name, allowed := range map[string][]string{"no list": {}, "every network": {"0.0.0.0/0", "::/0"}} {
		made := plain.create(t, carrier("inbound").with(body{"allowed_addresses": allowed}))
		for _, from := range []string{"203.0.113.7", "2001:db8::1"} {
			t.Run(name+"/"+from, func(t *testing.T) {
				authentication, dispatch := sipBridge.ask(t, inboundCall{to: made.ID, source: from})
				checkAuthentication(t, made, "", "", authentication)
				checkDispatch(t, plain, made, nil, livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW, dispatch)
			})
		}
	}
}

// LiveKit also lets a call in whose From header, which its sender writes, has an entry of the list as its host
// (protocol, `matchAddrMasks`). A list of sources alone keeps out nobody who knows an entry of it; a challenge does.
func TestAllowedAddressInTheFromHeader(t *testing.T) {
	restricted := carrier("inbound").with(body{
		"allowed_addresses": []string{"203.0.113.7", "198.51.100.0/24", "2001:db8:1::1"},
	})
	from := func(made trunk, host string) inboundCall {
		return inboundCall{to: made.ID, fromHost: host, source: "192.0.2.66"}
	}
	for _, host := range []string{"203.0.113.7", "198.51.100.0/24"} {
		t.Run("an entry, not challenged/"+host, func(t *testing.T) {
			authentication, dispatch := sipBridge.ask(t, from(plain.create(t, restricted), host))
			if authentication.SipTrunkId == "" || dispatch.Result != rpc.SIPDispatchResult_ACCEPT {
				t.Error("LiveKit refuses the call now: the warnings about it are out of date")
			}
		})
		t.Run("an entry, challenged/"+host, func(t *testing.T) {
			made := plain.create(t, withLogin(restricted))
			checkAuthentication(t, made, "desk", "correct horse", sipBridge.authentication(t, from(made, host)))
		})
	}
	// In a SIP URI an IPv6 address stands in brackets, in a list it does not.
	for _, host := range []string{"198.51.100.9", "[2001:db8:1::1]", "203.0.113.7.example.net"} {
		t.Run("no entry/"+host, func(t *testing.T) { checkRefused(t, from(plain.create(t, restricted), host)) })
	}
}

// checkAuthentication: the call is the trunk's, and challenged with exactly these credentials, if any. livekit-sip
// challenges when it is given both.
func checkAuthentication(
	t *testing.T, made trunk, username, password string, got *rpc.GetSIPTrunkAuthenticationResponse,
) {
	t.Helper()
	want := &rpc.GetSIPTrunkAuthenticationResponse{
		SipTrunkId: made.InboundTrunkID,
		Username:   username,
		Password:   password,
		ProviderInfo: &livekit.ProviderInfo{
			Id: made.InboundTrunkID, Name: made.ID, Type: livekit.ProviderType_PROVIDER_TYPE_EXTERNAL,
		},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the authentication is another (-want +got):\n%s", diff)
	}
}

// checkDispatch: the call is accepted into a room of its own, as its trunk's and its workspace's.
func checkDispatch(
	t *testing.T, s service, made trunk, room *livekit.RoomConfiguration, encryption livekit.SIPMediaEncryption,
	got *rpc.EvaluateSIPDispatchRulesResponse,
) {
	t.Helper()
	ours := map[string]string{"trunkline.workspace_id": s.WorkspaceID, "trunkline.trunk_id": made.ID}
	attributes := maps.Clone(ours)
	maps.Copy(attributes, map[string]string{
		livekit.AttrSIPCallID:         callID,
		livekit.AttrSIPTrunkID:        made.InboundTrunkID,
		livekit.AttrSIPDispatchRuleID: made.DispatchRuleID,
		livekit.AttrSIPPhoneNumber:    caller,
		livekit.AttrSIPHostName:       callerHost,
		livekit.AttrSIPTrunkNumber:    made.ID,
	})
	want := &rpc.EvaluateSIPDispatchRulesResponse{
		Result:                rpc.SIPDispatchResult_ACCEPT,
		SipTrunkId:            made.InboundTrunkID,
		SipDispatchRuleId:     made.DispatchRuleID,
		ParticipantIdentity:   "sip_" + caller,
		ParticipantName:       "Phone " + caller,
		ParticipantAttributes: attributes,
		RoomConfig:            room,
		MediaEncryption:       encryption,
		Media:                 &livekit.SIPMediaConfig{Encryption: &encryption},
	}
	// These two are random or in no order: compared by themselves.
	ignored := protocmp.IgnoreFields(want, "room_name", "participant_metadata")
	if diff := cmp.Diff(want, got, protocmp.Transform(), ignored); diff != "" {
		t.Errorf("the dispatch is another (-want +got):\n%s", diff)
	}
	if suffix, found := strings.CutPrefix(got.RoomName, made.ID+"_"+caller+"_"); !found || suffix == "" {
		t.Errorf("the call goes to the room %s", got.RoomName)
	}
	if metadata := parseMetadata(t, got.ParticipantMetadata); !maps.Equal(metadata, ours) {
		t.Errorf("the call's metadata is %v", metadata)
	}
}

// checkRefused: neither question knows the call.
func checkRefused(t *testing.T, c inboundCall) {
	t.Helper()
	authentication, dispatch := sipBridge.ask(t, c)
	if diff := cmp.Diff(&rpc.GetSIPTrunkAuthenticationResponse{}, authentication, protocmp.Transform()); diff != "" {
		t.Errorf("the call has a trunk (-want +got):\n%s", diff)
	}
	checkDropped(t, dispatch)
}

func checkDropped(t *testing.T, got *rpc.EvaluateSIPDispatchRulesResponse) {
	t.Helper()
	want := &rpc.EvaluateSIPDispatchRulesResponse{Result: rpc.SIPDispatchResult_DROP}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the call is not dropped (-want +got):\n%s", diff)
	}
}

func parseMetadata(t *testing.T, text string) map[string]string {
	t.Helper()
	var metadata map[string]string
	if err := json.Unmarshal([]byte(text), &metadata); err != nil {
		t.Fatal(err)
	}
	return metadata
}
