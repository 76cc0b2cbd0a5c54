package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var (
	errUnauthorized = errors.New("unauthorized")
	errAtCap        = errors.New("at the cap")
)

type table struct {
	client *dynamodb.Client
	name   string
}

type item = map[string]types.AttributeValue

func text(value string) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: value}
}

func number(value int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}
}

func (t table) workspaceOf(ctx context.Context, key string) (string, error) {
	hash := sha256.Sum256([]byte(key))
	found, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name,
		Key:       item{"pk": text("KEY#" + hex.EncodeToString(hash[:])), "sk": text("KEY")},
	})
	if err != nil {
		return "", err
	}
	state, _ := found.Item["state"].(*types.AttributeValueMemberS)
	workspace, _ := found.Item["workspace_id"].(*types.AttributeValueMemberS)
	if state == nil || workspace == nil || state.Value != "active" {
		return "", errUnauthorized
	}
	return workspace.Value, nil
}

func (t table) reserve(ctx context.Context, workspace string, trunk *trunk, secretName, owner string) error {
	until := number(time.Now().Add(30 * time.Second).Unix())
	record := item{
		"pk": text("WS#" + workspace), "sk": text("TRUNK#" + trunk.ID),
		"workspace_id": text(workspace), "trunk_id": text(trunk.ID), "state": text("provisioning"), "version": number(0),
		"name": text(trunk.Name), "kind": text(trunk.Kind), "direction": text(trunk.Direction),
		"sip_address": text(trunk.SIPAddress), "allowed_addresses": list(trunk.AllowedAddresses),
		"transport": text(trunk.Transport), "media_encryption": text(trunk.MediaEncryption),
		"created_at": text(trunk.CreatedAt), "updated_at": text(trunk.UpdatedAt),
		"lease_owner": text(owner), "lease_until": until,
		"sweep_shard": text("S" + strconv.Itoa(int(trunk.ID[len(trunk.ID)-1]%4))), "sweep_at": until,
	}
	if trunk.AuthPasswordSet {
		record["auth_username"], record["secret_name"] = text(trunk.AuthUsername), text(secretName)
	}
	if trunk.Direction != "outbound" {
		record["inbound_auth"] = text("none")
	}
	if trunk.DestinationCountry != "" {
		record["destination_country"] = text(trunk.DestinationCountry)
	}
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName:        &t.name,
			Key:              item{"pk": text("WS#" + workspace), "sk": text("WS")},
			UpdateExpression: aws.String("ADD trunk_count :one"),
			ConditionExpression: aws.String("attribute_exists(pk) AND (trunk_count < trunk_limit " +
				"OR (attribute_not_exists(trunk_limit) AND trunk_count < :default_limit))"),
			ExpressionAttributeValues: item{":one": number(1), ":default_limit": number(20)},
		}},
		{Put: &types.Put{TableName: &t.name, Item: record, ConditionExpression: aws.String("attribute_not_exists(pk)")}},
	}})
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) && aws.ToString(cancelled.CancellationReasons[0].Code) == "ConditionalCheckFailed" {
		return errAtCap
	}
	return err
}

func (t table) commit(ctx context.Context, workspace string, trunk *trunk, owner string) error {
	set := "SET #state = :active, version = :version, updated_at = :updated_at"
	values := item{
		":active": text("active"), ":provisioning": text("provisioning"), ":version": number(1),
		":updated_at": text(trunk.UpdatedAt), ":owner": text(owner),
	}
	for name, id := range map[string]string{
		"livekit_inbound_trunk_id":  trunk.InboundTrunkID,
		"livekit_outbound_trunk_id": trunk.OutboundTrunkID,
		"livekit_dispatch_rule_id":  trunk.DispatchRuleID,
	} {
		if id != "" {
			set += ", " + name + " = :" + name
			values[":"+name] = text(id)
		}
	}
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName:                 &t.name,
			Key:                       item{"pk": text("WS#" + workspace), "sk": text("TRUNK#" + trunk.ID)},
			UpdateExpression:          aws.String(set + " REMOVE lease_owner, lease_until, sweep_shard, sweep_at"),
			ConditionExpression:       aws.String("#state = :provisioning AND lease_owner = :owner"),
			ExpressionAttributeNames:  map[string]string{"#state": "state"},
			ExpressionAttributeValues: values,
		}},
	}})
	return err
}

func list(values []string) types.AttributeValue {
	members := make([]types.AttributeValue, len(values))
	for at, value := range values {
		members[at] = text(value)
	}
	return &types.AttributeValueMemberL{Value: members}
}
