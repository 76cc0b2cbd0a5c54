package bridge

import "testing"

// After a DELETE no call gets through, the other trunks' go on.
func TestDeletion(t *testing.T) {
	for name, body := range map[string]body{
		"inbound":             carrier("inbound"),
		"inbound, challenged": withLogin(carrier("inbound")),
		"both":                withLogin(carrier("both")),
		"outbound":            withLogin(carrier("outbound")),
		"livekit":             {"name": "Number", "kind": "livekit", "direction": "inbound"},
	} {
		t.Run(name, func(t *testing.T) {
			made, staying := plain.create(t, body), plain.create(t, carrier("both"))
			if made.InboundTrunkID != "" {
				checkIn(t, made)
			}
			if made.OutboundTrunkID != "" {
				mustDial(t, made, callerID)
			}

			plain.delete(t, made.ID)

			checkRefused(t, inboundCall{to: made.ID})
			// The bridge may still know the trunk by the first question.
			checkDropped(t, sipBridge.dispatch(t, inboundCall{to: made.ID}, made.InboundTrunkID))
			if made.OutboundTrunkID != "" {
				refusedDial(t, made.OutboundTrunkID)
			}
			checkIn(t, staying)
			mustDial(t, staying, callerID)
		})
	}
}

func checkIn(t *testing.T, made trunk) {
	t.Helper()
	authentication, dispatch := sipBridge.ask(t, inboundCall{to: made.ID})
	if authentication.SipTrunkId != made.InboundTrunkID || dispatch.SipDispatchRuleId != made.DispatchRuleID {
		t.Errorf("the call did not get through: %v, %v", authentication.SipTrunkId, dispatch)
	}
}
