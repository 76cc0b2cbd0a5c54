package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/twitchtv/twirp"
)

type sip struct {
	client      livekit.SIP
	key, secret string
}

func (s sip) authorised(ctx context.Context) (context.Context, error) {
	token, err := auth.NewAccessToken(s.key, s.secret).
		SetSIPGrant(&auth.SIPGrant{Admin: true}).SetValidFor(10 * time.Minute).ToJWT()
	if err != nil {
		return nil, err
	}
	return twirp.WithHTTPRequestHeaders(ctx, http.Header{"Authorization": {"Bearer " + token}})
}

func (s sip) createInbound(ctx context.Context, workspace string, trunk *trunk) (id, rule string, err error) {
	if ctx, err = s.authorised(ctx); err != nil {
		return "", "", err
	}
	attributes := owner(workspace, trunk)
	encryption := mediaEncryption(trunk)
	inbound, err := s.client.CreateSIPInboundTrunk(ctx, &livekit.CreateSIPInboundTrunkRequest{
		Trunk: &livekit.SIPInboundTrunkInfo{
			Name: trunk.ID, Metadata: metadata(attributes), Numbers: []string{trunk.ID},
			AllowedAddresses: trunk.AllowedAddresses, MediaEncryption: encryption,
			Media: &livekit.SIPMediaConfig{Encryption: &encryption},
		},
	})
	if err != nil {
		return "", "", err
	}
	created, err := s.client.CreateSIPDispatchRule(ctx, &livekit.CreateSIPDispatchRuleRequest{
		TrunkIds: []string{inbound.SipTrunkId},
		DispatchRule: &livekit.SIPDispatchRuleInfo{
			Name: trunk.ID, Metadata: metadata(attributes), Attributes: attributes, TrunkIds: []string{inbound.SipTrunkId},
			Rule: &livekit.SIPDispatchRule{Rule: &livekit.SIPDispatchRule_DispatchRuleIndividual{
				DispatchRuleIndividual: &livekit.SIPDispatchRuleIndividual{RoomPrefix: trunk.ID},
			}},
		},
	})
	if err != nil {
		return "", "", err
	}
	return inbound.SipTrunkId, created.SipDispatchRuleId, nil
}

func (s sip) createOutbound(ctx context.Context, workspace string, trunk *trunk) (string, error) {
	ctx, err := s.authorised(ctx)
	if err != nil {
		return "", err
	}
	encryption := mediaEncryption(trunk)
	created, err := s.client.CreateSIPOutboundTrunk(ctx, &livekit.CreateSIPOutboundTrunkRequest{
		Trunk: &livekit.SIPOutboundTrunkInfo{
			Name: trunk.ID, Metadata: metadata(owner(workspace, trunk)), Numbers: []string{trunk.ID},
			Address: trunk.SIPAddress, DestinationCountry: trunk.DestinationCountry, Transport: transport(trunk),
			AuthUsername: trunk.AuthUsername, AuthPassword: trunk.password, MediaEncryption: encryption,
			Media: &livekit.SIPMediaConfig{Encryption: &encryption},
		},
	})
	if err != nil {
		return "", err
	}
	return created.SipTrunkId, nil
}

func owner(workspace string, trunk *trunk) map[string]string {
	return map[string]string{"trunkline.workspace_id": workspace, "trunkline.trunk_id": trunk.ID}
}

func metadata(attributes map[string]string) string {
	text, _ := json.Marshal(attributes)
	return string(text)
}

func transport(trunk *trunk) livekit.SIPTransport {
	return map[string]livekit.SIPTransport{
		"auto": livekit.SIPTransport_SIP_TRANSPORT_AUTO, "udp": livekit.SIPTransport_SIP_TRANSPORT_UDP,
		"tcp": livekit.SIPTransport_SIP_TRANSPORT_TCP, "tls": livekit.SIPTransport_SIP_TRANSPORT_TLS,
	}[trunk.Transport]
}

func mediaEncryption(trunk *trunk) livekit.SIPMediaEncryption {
	return map[string]livekit.SIPMediaEncryption{
		"disable": livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_DISABLE,
		"allow":   livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_ALLOW,
		"require": livekit.SIPMediaEncryption_SIP_MEDIA_ENCRYPT_REQUIRE,
	}[trunk.MediaEncryption]
}
