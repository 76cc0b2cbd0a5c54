// Package main is create-sip-trunk in Go, with the official SDKs.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/livekit/protocol/livekit"
)

func main() {
	aws, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	function := &function{
		table:   table{client: dynamodb.NewFromConfig(aws), name: os.Getenv("TABLE_NAME")},
		secrets: secretsmanager.NewFromConfig(aws),
		sip: sip{
			client: livekit.NewSIPProtobufClient(os.Getenv("LIVEKIT_URL"), http.DefaultClient),
			key:    os.Getenv("LIVEKIT_API_KEY"),
			secret: os.Getenv("LIVEKIT_API_SECRET"),
		},
		secretPrefix: os.Getenv("SECRET_PREFIX"),
		sipHost:      os.Getenv("LIVEKIT_SIP_HOST"),
	}
	lambda.Start(function.handle)
}
