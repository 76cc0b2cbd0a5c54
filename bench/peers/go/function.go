package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"golang.org/x/sync/errgroup"
)

type function struct {
	table        table
	secrets      *secretsmanager.Client
	sip          sip
	secretPrefix string
	sipHost      string
}

type response = events.APIGatewayV2HTTPResponse

func (f *function) handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (response, error) {
	key, _ := strings.CutPrefix(event.Headers["authorization"], "Bearer ")
	workspace, err := f.table.workspaceOf(ctx, key)
	if errors.Is(err, errUnauthorized) {
		return failed(401, "unauthorized", nil)
	} else if err != nil {
		return response{}, err
	}
	trunk, violations := parse(event.Body)
	if len(violations) > 0 {
		return failed(400, "validation_failed", violations)
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	trunk.ID, trunk.CreatedAt, trunk.UpdatedAt = newID(), now, now
	secretName := f.secretPrefix + workspace + "/" + trunk.ID
	owner := rand.Text()
	err = f.table.reserve(ctx, workspace, trunk, secretName, owner)
	if errors.Is(err, errAtCap) {
		return failed(402, "payment_required", nil)
	} else if err != nil {
		return response{}, err
	}
	if err := f.provision(ctx, workspace, trunk, secretName); err != nil {
		return response{}, err
	}
	if err := f.table.commit(ctx, workspace, trunk, owner); err != nil {
		return response{}, err
	}
	if trunk.Direction != "outbound" {
		trunk.InboundSIPURI = "sip:" + trunk.ID + "@" + f.sipHost
	}
	return answer(201, trunk)
}

func (f *function) provision(ctx context.Context, workspace string, trunk *trunk, secretName string) error {
	group, ctx := errgroup.WithContext(ctx)
	if trunk.AuthPasswordSet {
		group.Go(func() error {
			value, err := json.Marshal(map[string]string{"auth_password": trunk.password})
			if err != nil {
				return err
			}
			_, err = f.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
				Name:               &secretName,
				ClientRequestToken: aws.String(trunk.ID),
				SecretString:       aws.String(string(value)),
			})
			return err
		})
	}
	if trunk.Direction != "outbound" {
		group.Go(func() (err error) {
			trunk.InboundTrunkID, trunk.DispatchRuleID, err = f.sip.createInbound(ctx, workspace, trunk)
			return err
		})
	}
	if trunk.Direction != "inbound" {
		group.Go(func() (err error) {
			trunk.OutboundTrunkID, err = f.sip.createOutbound(ctx, workspace, trunk)
			return err
		})
	}
	return group.Wait()
}

func answer(status int, body any) (response, error) {
	text, err := json.Marshal(body)
	headers := map[string]string{"content-type": "application/json"}
	return response{StatusCode: status, Headers: headers, Body: string(text)}, err
}

func failed(status int, code string, fields map[string]string) (response, error) {
	return answer(status, map[string]any{"error": map[string]any{"code": code, "fields": fields}})
}

func newID() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	id := make([]byte, 26)
	rand.Read(id)
	for at := range id {
		id[at] = alphabet[id[at]%32]
	}
	id[0] = alphabet[id[0]%8]
	return "trunk_" + string(id)
}
