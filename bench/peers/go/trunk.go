package main

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

type trunk struct {
	ID                 string   `json:"id"`
	Name               string   `json:"name"`
	Kind               string   `json:"kind"`
	Direction          string   `json:"direction"`
	SIPAddress         string   `json:"sip_address,omitempty"`
	AuthUsername       string   `json:"auth_username,omitempty"`
	AuthPasswordSet    bool     `json:"auth_password_set"`
	AllowedAddresses   []string `json:"allowed_addresses"`
	DestinationCountry string   `json:"destination_country,omitempty"`
	Transport          string   `json:"transport"`
	MediaEncryption    string   `json:"media_encryption"`
	InboundTrunkID     string   `json:"livekit_inbound_trunk_id,omitempty"`
	OutboundTrunkID    string   `json:"livekit_outbound_trunk_id,omitempty"`
	DispatchRuleID     string   `json:"livekit_dispatch_rule_id,omitempty"`
	InboundSIPURI      string   `json:"inbound_sip_uri,omitempty"`
	CreatedAt          string   `json:"created_at"`
	UpdatedAt          string   `json:"updated_at"`
	password           string
}

type request struct {
	Name               string          `json:"name"`
	Kind               string          `json:"kind"`
	Direction          string          `json:"direction"`
	SIPAddress         string          `json:"sip_address"`
	AuthUsername       string          `json:"auth_username"`
	AuthPassword       string          `json:"auth_password"`
	AllowedAddresses   []string        `json:"allowed_addresses"`
	DestinationCountry string          `json:"destination_country"`
	Transport          string          `json:"transport"`
	MediaEncryption    string          `json:"media_encryption"`
	InboundAuth        string          `json:"inbound_auth"`
	Credentials        json.RawMessage `json:"credentials"`
}

var (
	address = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
	country = regexp.MustCompile(`^[A-Z]{2}$`)
)

// parse gives the trunk that body describes, or what is wrong with it, by field.
func parse(body string) (*trunk, map[string]string) {
	sent := request{Transport: "auto", MediaEncryption: "allow", AllowedAddresses: []string{}}
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&sent); err != nil {
		return nil, map[string]string{"body": err.Error()}
	}
	violations := map[string]string{}
	check := func(valid bool, field, message string) {
		if !valid {
			violations[field] = message
		}
	}
	name := strings.TrimSpace(sent.Name)
	sipAddress, countryCode := strings.ToLower(sent.SIPAddress), strings.ToUpper(sent.DestinationCountry)
	check(name != "" && len(name) <= 128, "name", "must have 1 to 128 characters")
	check(sent.Kind == "byoc", "kind", "must be byoc")
	check(slices.Contains([]string{"inbound", "outbound", "both"}, sent.Direction), "direction", "is unknown")
	check(address.MatchString(sipAddress), "sip_address", "must be a host, with a port or not")
	check((sent.AuthUsername == "") == (sent.AuthPassword == ""), "auth_password", "goes with auth_username")
	check(countryCode == "" || country.MatchString(countryCode), "destination_country", "must be ISO 3166-1 alpha-2")
	check(slices.Contains([]string{"auto", "udp", "tcp", "tls"}, sent.Transport), "transport", "is unknown")
	check(slices.Contains([]string{"disable", "allow", "require"}, sent.MediaEncryption), "media_encryption", "is unknown")
	check(len(sent.AllowedAddresses) <= 64, "allowed_addresses", "must be 64 at most")
	for _, allowed := range sent.AllowedAddresses {
		check(isNetwork(allowed), "allowed_addresses", "must be addresses or CIDR blocks")
	}
	return &trunk{
		Name: name, Kind: sent.Kind, Direction: sent.Direction, SIPAddress: sipAddress,
		AuthUsername: sent.AuthUsername, AuthPasswordSet: sent.AuthPassword != "", password: sent.AuthPassword,
		AllowedAddresses: sent.AllowedAddresses, DestinationCountry: countryCode,
		Transport: sent.Transport, MediaEncryption: sent.MediaEncryption,
	}, violations
}

func isNetwork(text string) bool {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix == prefix.Masked()
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}
