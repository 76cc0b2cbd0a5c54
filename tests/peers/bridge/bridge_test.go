// Package bridge plays LiveKit's SIP bridge for a real livekit-server. For an inbound call it asks what livekit-sip
// asks (livekit/sip, pkg/service/psrpc.go), and it serves what livekit-server asks of it for an outbound one.
package bridge

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
	"github.com/redis/go-redis/v9"
	"github.com/twitchtv/twirp"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	caller     = "+12025550123"
	callerHost = "carrier.example.net"
	source     = "198.51.100.9"
	callID     = "SCL_bridge"
)

var (
	plain     service // without LIVEKIT_AGENT_NAME
	withAgent service // with it
	agentName string
	sipHost   string
	server    livekitServer
	sipBridge *bridge
)

// livekitServer is how the real server is reached over HTTP.
type livekitServer struct {
	url, key, secret string
}

func TestMain(m *testing.M) {
	if err := connect(); err != nil {
		fmt.Fprintln(os.Stderr, "to be run by tests/peers/bridge/run:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func connect() (err error) {
	if plain, err = readService(os.Getenv("READY")); err != nil {
		return err
	}
	if withAgent, err = readService(os.Getenv("READY_WITH_AGENT")); err != nil {
		return err
	}
	agentName, sipHost = os.Getenv("AGENT_NAME"), os.Getenv("LIVEKIT_SIP_HOST")
	server = livekitServer{os.Getenv("LIVEKIT_URL"), os.Getenv("LIVEKIT_API_KEY"), os.Getenv("LIVEKIT_API_SECRET")}
	sipBridge, err = newBridge(os.Getenv("REDIS_ADDRESS"))
	return err
}

// bridge is what livekit-sip is to livekit-server.
type bridge struct {
	questions rpc.IOInfoClient
	calls     chan *rpc.InternalCreateSIPParticipantRequest
}

func newBridge(redisAddress string) (*bridge, error) {
	bus := psrpc.NewRedisMessageBus(redis.NewClient(&redis.Options{Addr: redisAddress}))
	questions, err := rpc.NewIOInfoClient(bus)
	if err != nil {
		return nil, err
	}
	b := &bridge{questions: questions, calls: make(chan *rpc.InternalCreateSIPParticipantRequest, 1)}
	served, err := rpc.NewSIPInternalServer(b, bus)
	if err != nil {
		return nil, err
	}
	return b, served.RegisterCreateSIPParticipantTopic("")
}

// CreateSIPParticipant notes the outbound call that a bridge would now make.
func (b *bridge) CreateSIPParticipant(
	_ context.Context, call *rpc.InternalCreateSIPParticipantRequest,
) (*rpc.InternalCreateSIPParticipantResponse, error) {
	b.calls <- call
	return &rpc.InternalCreateSIPParticipantResponse{
		ParticipantId:       "PA_bridge",
		ParticipantIdentity: call.ParticipantIdentity,
		SipCallId:           call.SipCallId,
	}, nil
}

// TransferSIPParticipant belongs to the interface; its topic is never registered.
func (b *bridge) TransferSIPParticipant(
	context.Context, *rpc.InternalTransferSIPParticipantRequest,
) (*emptypb.Empty, error) {
	return nil, psrpc.NewErrorf(psrpc.Unimplemented, "no transfers")
}

// inboundCall is what a bridge knows of an INVITE.
type inboundCall struct {
	to       string // user of the To header
	fromHost string // host of the From header; callerHost if empty
	source   string // address of the sender; source if empty
}

func (c inboundCall) sip() *rpc.SIPCall {
	if c.fromHost == "" {
		c.fromHost = callerHost
	}
	if c.source == "" {
		c.source = source
	}
	to := &livekit.SIPUri{User: c.to, Host: sipHost}
	return &rpc.SIPCall{
		LkCallId: callID,
		SourceIp: c.source,
		Address:  to,
		From:     &livekit.SIPUri{User: caller, Host: c.fromHost},
		To:       to,
	}
}

// authentication asks who may make the call. The deprecated fields are filled in too, as livekit-sip does.
func (b *bridge) authentication(t *testing.T, c inboundCall) *rpc.GetSIPTrunkAuthenticationResponse {
	t.Helper()
	call := c.sip()
	answer, err := b.questions.GetSIPTrunkAuthentication(t.Context(), &rpc.GetSIPTrunkAuthenticationRequest{
		Call:       call,
		SipCallId:  call.LkCallId,
		From:       call.From.User,
		FromHost:   call.From.Host,
		To:         call.To.User,
		ToHost:     call.To.Host,
		SrcAddress: call.SourceIp,
	})
	if err != nil {
		t.Fatalf("authentication of %+v: %v", c, err)
	}
	return answer
}

// dispatch asks where the call goes, given the trunk that the first question named.
func (b *bridge) dispatch(t *testing.T, c inboundCall, trunkID string) *rpc.EvaluateSIPDispatchRulesResponse {
	t.Helper()
	call := c.sip()
	answer, err := b.questions.EvaluateSIPDispatchRules(t.Context(), &rpc.EvaluateSIPDispatchRulesRequest{
		SipTrunkId:    trunkID,
		Call:          call,
		SipCallId:     call.LkCallId,
		CallingNumber: call.From.User,
		CallingHost:   call.From.Host,
		CalledNumber:  call.To.User,
		CalledHost:    call.To.Host,
		SrcAddress:    call.SourceIp,
	})
	if err != nil {
		t.Fatalf("dispatch of %+v: %v", c, err)
	}
	return answer
}

// ask puts both questions, as for each inbound call.
func (b *bridge) ask(
	t *testing.T, c inboundCall,
) (*rpc.GetSIPTrunkAuthenticationResponse, *rpc.EvaluateSIPDispatchRulesResponse) {
	t.Helper()
	authentication := b.authentication(t, c)
	return authentication, b.dispatch(t, c, authentication.SipTrunkId)
}

// dial has livekit-server make an outbound call, and answers with what reached the bridge, or with the refusal.
func (b *bridge) dial(
	t *testing.T, call *livekit.CreateSIPParticipantRequest,
) (*rpc.InternalCreateSIPParticipantRequest, error) {
	t.Helper()
	token, err := auth.NewAccessToken(server.key, server.secret).SetSIPGrant(&auth.SIPGrant{Call: true}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ctx, err = twirp.WithHTTPRequestHeaders(ctx, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = livekit.NewSIPProtobufClient(server.url, http.DefaultClient).CreateSIPParticipant(ctx, call)
	select {
	case dialled := <-b.calls:
		if err != nil {
			t.Fatalf("call to %s reached the bridge, and failed: %v", call.SipCallTo, err)
		}
		return dialled, nil
	default:
		return nil, err
	}
}
