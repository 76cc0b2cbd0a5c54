package bridge

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/protocol/sip"
	"google.golang.org/protobuf/proto"
)

// A call of a service with an agent name comes to that agent; one of a service without comes to none. The caller joins
// the room as livekit-sip has it join, by a token made of the dispatch.
func TestAgent(t *testing.T) {
	agents := registerAgent(t)

	made := plain.create(t, carrier("inbound"))
	_, silent := sipBridge.ask(t, inboundCall{to: made.ID})
	checkDispatch(t, plain, made, nil, livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW, silent)
	joinRoom(t, silent)

	for name, body := range map[string]body{
		"inbound": carrier("inbound"),
		"both":    carrier("both"),
		"livekit": {"name": "Number", "kind": "livekit", "direction": "inbound"},
	} {
		t.Run(name, func(t *testing.T) {
			made := withAgent.create(t, body)
			_, dispatch := sipBridge.ask(t, inboundCall{to: made.ID})
			room := &livekit.RoomConfiguration{Agents: []*livekit.RoomAgentDispatch{{AgentName: agentName}}}
			checkDispatch(t, withAgent, made, room, livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW, dispatch)

			participant := joinRoom(t, dispatch)
			if participant.Kind != livekit.ParticipantInfo_SIP ||
				!maps.Equal(participant.Attributes, dispatch.ParticipantAttributes) {
				t.Errorf("the caller is %v", participant)
			}
			// The first job since the last: none came for the call of the service without an agent.
			job := nextJob(t, agents)
			if job.AgentName != agentName || job.Room.Name != dispatch.RoomName {
				t.Errorf("the agent %s is called to %s, not to %s", job.AgentName, job.Room.Name, dispatch.RoomName)
			}
		})
	}
}

// registerAgent is a worker of agentName, as the agents' SDKs register one.
func registerAgent(t *testing.T) *websocket.Conn {
	t.Helper()
	token, err := auth.NewAccessToken(server.key, server.secret).SetVideoGrant(&auth.VideoGrant{Agent: true}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	worker := connectWebSocket(t, "/agent", token)
	register := &livekit.RegisterWorkerRequest{Type: livekit.JobType_JT_ROOM, AgentName: agentName, Version: "1.0.0"}
	message, err := proto.Marshal(&livekit.WorkerMessage{Message: &livekit.WorkerMessage_Register{Register: register}})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.WriteMessage(websocket.BinaryMessage, message); err != nil {
		t.Fatal(err)
	}
	var answer livekit.ServerMessage
	receive(t, worker, &answer)
	if answer.GetRegister() == nil {
		t.Fatalf("the agent is not registered: %v", &answer)
	}
	return worker
}

// nextJob is the next that the worker is asked to take.
func nextJob(t *testing.T, worker *websocket.Conn) *livekit.Job {
	t.Helper()
	for {
		var message livekit.ServerMessage
		receive(t, worker, &message)
		if asked := message.GetAvailability(); asked != nil {
			return asked.Job
		}
	}
}

// joinRoom joins as the caller, until the test ends.
func joinRoom(t *testing.T, dispatch *rpc.EvaluateSIPDispatchRulesResponse) *livekit.ParticipantInfo {
	t.Helper()
	token, err := sip.BuildSIPToken(sip.SIPTokenParams{
		APIKey:                server.key,
		APISecret:             server.secret,
		RoomName:              dispatch.RoomName,
		ParticipantIdentity:   dispatch.ParticipantIdentity,
		ParticipantName:       dispatch.ParticipantName,
		ParticipantMetadata:   dispatch.ParticipantMetadata,
		ParticipantAttributes: dispatch.ParticipantAttributes,
		RoomPreset:            dispatch.RoomPreset,
		RoomConfig:            dispatch.RoomConfig,
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer livekit.SignalResponse
	receive(t, connectWebSocket(t, "/rtc?protocol=16", token), &answer)
	join := answer.GetJoin()
	if join.GetRoom().GetName() != dispatch.RoomName {
		t.Fatalf("not in the room %s: %v", dispatch.RoomName, &answer)
	}
	return join.Participant
}

func connectWebSocket(t *testing.T, path, token string) *websocket.Conn {
	t.Helper()
	url := strings.Replace(server.url, "http", "ws", 1) + path
	connection, _, err := websocket.DefaultDialer.Dial(url, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return connection
}

func receive(t *testing.T, connection *websocket.Conn, message proto.Message) {
	t.Helper()
	_, bytes, err := connection.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(bytes, message); err != nil {
		t.Fatal(err)
	}
}
