package authz

import (
	"fmt"

	"github.com/nyaruka/phonenumbers"
)

// canonicalPhone returns a phone number in E.164, such as "+32470123456". A
// number without a country code is read as one of country, such as "BE"; with
// neither it is refused, and so is one that no country could have given out.
func canonicalPhone(number, country string) (string, error) {
	if err := checkText("phone number", number, required, 40); err != nil {
		return "", err
	}
	parsed, err := phonenumbers.Parse(number, country)
	switch {
	case err != nil && number[0] != '+' && !phonenumbers.GetSupportedRegions()[country]:
		return "", fmt.Errorf("phone number %q has no country code, such as +32, and %q is no country: %w", number, country, ErrInvalid)
	case err != nil || !phonenumbers.IsValidNumber(parsed):
		return "", fmt.Errorf("phone number %q: there can be no such number: %w", number, ErrInvalid)
	}
	return phonenumbers.Format(parsed, phonenumbers.E164), nil
}
