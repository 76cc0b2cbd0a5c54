package bridge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"google.golang.org/protobuf/testing/protocmp"
)

const (
	callee   = "+442079460000"
	callerID = "+12025550199"
)

// A call through the whole outbound half of a trunk, message by message, field by field.
func TestOutboundCall(t *testing.T) {
	sipAddress := func(address string) body { return body{"sip_address": address} }
	for _, c := range []struct {
		name    string
		changes body
		want    func(*rpc.InternalCreateSIPParticipantRequest)
	}{
		{"by default", body{}, nil},
		{"to a host and port", sipAddress("SIP.Example.com:5080"),
			func(call *rpc.InternalCreateSIPParticipantRequest) { call.Address = "sip.example.com:5080" }},
		{"to an IPv4 address", sipAddress("10.1.2.3"),
			func(call *rpc.InternalCreateSIPParticipantRequest) { call.Address = "10.1.2.3" }},
		{"to an IPv4 address and port", sipAddress("10.1.2.3:5070"),
			func(call *rpc.InternalCreateSIPParticipantRequest) { call.Address = "10.1.2.3:5070" }},
		{"to an IPv6 address", sipAddress("2001:db8::5"),
			func(call *rpc.InternalCreateSIPParticipantRequest) { call.Address = "[2001:db8::5]" }},
		{"to an IPv6 address and port", sipAddress("[2001:db8::5]:5070"),
			func(call *rpc.InternalCreateSIPParticipantRequest) { call.Address = "[2001:db8::5]:5070" }},
		{"transport auto", body{"transport": "auto"}, transport(livekit.SIPTransport_SIP_TRANSPORT_AUTO)},
		{"transport udp", body{"transport": "udp"}, transport(livekit.SIPTransport_SIP_TRANSPORT_UDP)},
		{"transport tcp", body{"transport": "tcp"}, transport(livekit.SIPTransport_SIP_TRANSPORT_TCP)},
		{"transport tls", body{"transport": "tls"}, transport(livekit.SIPTransport_SIP_TRANSPORT_TLS)},
		{"encryption disable", body{"media_encryption": "disable"},
			outboundEncryption(livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_DISABLE)},
		{"encryption allow", body{"media_encryption": "allow"},
			outboundEncryption(livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW)},
		{"encryption require", body{"media_encryption": "require"},
			outboundEncryption(livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_REQUIRE)},
		{"country", body{"destination_country": "gb"},
			func(call *rpc.InternalCreateSIPParticipantRequest) { call.DestinationCountry = "GB" }},
		{"credentials", withLogin(body{}),
			func(call *rpc.InternalCreateSIPParticipantRequest) {
				call.Username, call.Password = "desk", "correct horse"
			}},
		{"allowed addresses are for callers", body{"allowed_addresses": []string{"203.0.113.7"}}, nil},
		{"everything at once", withLogin(body{
			"sip_address": "sip.example.com:5061", "transport": "tls", "media_encryption": "require",
			"destination_country": "DE", "allowed_addresses": []string{"203.0.113.7"},
			"credentials": body{"account": "AC-1"},
		}), func(call *rpc.InternalCreateSIPParticipantRequest) {
			call.Address, call.Transport = "sip.example.com:5061", livekit.SIPTransport_SIP_TRANSPORT_TLS
			call.DestinationCountry = "DE"
			call.Username, call.Password = "desk", "correct horse"
			outboundEncryption(livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_REQUIRE)(call)
		}},
	} {
		for _, direction := range []string{"outbound", "both"} {
			t.Run(c.name+"/"+direction, func(t *testing.T) {
				made := plain.create(t, carrier(direction).with(c.changes))
				want := outboundCall(made)
				if c.want != nil {
					c.want(want)
				}
				call := mustDial(t, made, callerID)
				checkCall(t, want, call)
			})
		}
	}
}

// Without a caller ID LiveKit takes one of the trunk's numbers, and the only one is the trunk's id.
func TestOutboundCallWithoutCallerID(t *testing.T) {
	for _, c := range []struct{ name, address, prefix string }{
		{"any carrier", "sip.example.com", ""},
		{"Twilio, to which LiveKit adds a plus", "acme.pstn.twilio.com", "+"},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := plain.create(t, carrier("outbound").with(body{"sip_address": c.address}))
			want := outboundCall(made)
			want.Address, want.Number = c.address, c.prefix+made.ID
			call := mustDial(t, made, "")
			checkCall(t, want, call)
		})
	}
}

func TestOutboundPassword(t *testing.T) {
	for name, password := range passwords {
		t.Run(name, func(t *testing.T) {
			made := plain.create(t, carrier("outbound").with(body{"auth_username": username, "auth_password": password}))
			want := outboundCall(made)
			want.Username, want.Password = username, password
			checkCall(t, want, mustDial(t, made, callerID))
		})
	}
}

// An inbound trunk makes no calls, whichever of its ids a call names.
func TestInboundTrunkMakesNoCall(t *testing.T) {
	made := plain.create(t, carrier("inbound"))
	if made.OutboundTrunkID != "" {
		t.Errorf("an inbound trunk has the outbound trunk %s", made.OutboundTrunkID)
	}
	for _, id := range []string{made.InboundTrunkID, made.ID} {
		refusedDial(t, id)
	}
}

// outboundCall is the call that a trunk with the least of fields makes.
func outboundCall(made trunk) *rpc.InternalCreateSIPParticipantRequest {
	call := &rpc.InternalCreateSIPParticipantRequest{
		SipTrunkId:          made.OutboundTrunkID,
		Address:             "sip.example.com",
		Number:              callerID,
		CallTo:              callee,
		RoomName:            "out",
		ParticipantIdentity: "sip_" + callee,
	}
	outboundEncryption(livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW)(call)
	return call
}

func transport(transport livekit.SIPTransport) func(*rpc.InternalCreateSIPParticipantRequest) {
	return func(call *rpc.InternalCreateSIPParticipantRequest) { call.Transport = transport }
}

func outboundEncryption(encryption livekit.SIPMediaEncryption) func(*rpc.InternalCreateSIPParticipantRequest) {
	return func(call *rpc.InternalCreateSIPParticipantRequest) {
		call.MediaEncryption, call.Media = encryption, &livekit.SIPMediaConfig{Encryption: &encryption}
	}
}

func request(trunkID, callerID string) *livekit.CreateSIPParticipantRequest {
	return &livekit.CreateSIPParticipantRequest{
		SipTrunkId: trunkID, SipNumber: callerID, SipCallTo: callee, RoomName: "out",
	}
}

func mustDial(t *testing.T, made trunk, callerID string) *rpc.InternalCreateSIPParticipantRequest {
	t.Helper()
	call, err := sipBridge.dial(t, request(made.OutboundTrunkID, callerID))
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// refusedDial is a call by a LiveKit trunk that does not exist: it never reaches the bridge.
func refusedDial(t *testing.T, trunkID string) {
	t.Helper()
	call, err := sipBridge.dial(t, request(trunkID, callerID))
	if call != nil {
		t.Fatalf("a call by %s was made", trunkID)
	}
	if err == nil || !strings.Contains(fmt.Sprint(err), "trunk does not exist") {
		t.Errorf("a call by %s failed otherwise: %v", trunkID, err)
	}
}

// checkCall compares all but the id that LiveKit gives each call.
func checkCall(t *testing.T, want, got *rpc.InternalCreateSIPParticipantRequest) {
	t.Helper()
	want.SipCallId = got.SipCallId
	want.ParticipantAttributes = map[string]string{
		livekit.AttrSIPCallID:      got.SipCallId,
		livekit.AttrSIPTrunkID:     want.SipTrunkId,
		livekit.AttrSIPHostName:    want.Address,
		livekit.AttrSIPPhoneNumber: want.CallTo,
		livekit.AttrSIPTrunkNumber: want.Number,
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("the call is another (-want +got):\n%s", diff)
	}
}
