package bridge

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
)

// service is a running Trunkline, as its ready file describes it.
type service struct {
	URL         string `json:"url"`
	WorkspaceID string `json:"workspace_id"`
	APIKey      string `json:"api_key"`
	OtherAPIKey string `json:"other_api_key"`
}

func readService(path string) (service, error) {
	var s service
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// inOtherWorkspace is the same service for a customer of its own.
func (s service) inOtherWorkspace() service {
	s.APIKey = s.OtherAPIKey
	return s
}

// body is the request that creates a trunk.
type body map[string]any

func (b body) with(changes body) body {
	changed := body{}
	for _, fields := range []body{b, changes} {
		for field, value := range fields {
			changed[field] = value
		}
	}
	return changed
}

func carrier(direction string) body {
	return body{"name": "Front desk", "kind": "byoc", "direction": direction, "sip_address": "sip.example.com"}
}

func withLogin(b body) body {
	return b.with(body{"auth_username": "desk", "auth_password": "correct horse"})
}

// trunk is what the API tells of one.
type trunk struct {
	ID              string `json:"id"`
	InboundSIPURI   string `json:"inbound_sip_uri"`
	InboundTrunkID  string `json:"livekit_inbound_trunk_id"`
	OutboundTrunkID string `json:"livekit_outbound_trunk_id"`
	DispatchRuleID  string `json:"livekit_dispatch_rule_id"`
}

// create makes a trunk that lives as long as the test.
func (s service) create(t *testing.T, b body) trunk {
	t.Helper()
	status, answer := s.request(t, http.MethodPost, "", b)
	if status != http.StatusCreated {
		t.Fatalf("create %v: %d %s", b, status, answer)
	}
	var created trunk
	if err := json.Unmarshal(answer, &created); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.request(t, http.MethodDelete, "/"+created.ID, nil) })
	return created
}

func (s service) delete(t *testing.T, id string) {
	t.Helper()
	if status, answer := s.request(t, http.MethodDelete, "/"+id, nil); status != http.StatusNoContent {
		t.Fatalf("delete %s: %d %s", id, status, answer)
	}
}

func (s service) request(t *testing.T, method, path string, b body) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, s.URL+"/v1/agents/sip-trunks"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.APIKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}
