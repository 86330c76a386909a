package model

import (
	"fmt"
	"strings"
)

// A Domain is a place in which something is asked: a tenant, written "acme/",
// or one of its dossiers, written "acme/d1". Domains are compared with ==. The
// zero Domain is nowhere, and refused everywhere.
type Domain struct {
	s      string // as a policy writes it
	tenant int    // the length of the tenant in s
}

// TenantDomain returns the domain of t itself.
func TenantDomain(t TenantID) Domain {
	if t.IsZero() {
		return Domain{}
	}
	return Domain{t.s + "/", len(t.s)}
}

// DossierDomain returns the domain of dossier d of tenant t. It is the zero
// Domain when either is zero, so that a forgotten dossier never means all of
// the tenant.
func DossierDomain(t TenantID, d DossierID) Domain {
	if t.IsZero() || d.IsZero() {
		return Domain{}
	}
	return Domain{t.s + "/" + d.s, len(t.s)}
}

// ParseDomain reads "acme/" or "acme/d1". The error wraps [ErrInvalid].
func ParseDomain(s string) (Domain, error) {
	tenant, dossier, found := strings.Cut(s, "/")
	if !found {
		return Domain{}, fmt.Errorf("domain %.80q: want TENANT/ or TENANT/DOSSIER: %w", s, ErrInvalid)
	}
	_, err := ParseTenantID(tenant)
	if err == nil && dossier != "" {
		_, err = ParseDossierID(dossier)
	}
	if err != nil {
		return Domain{}, fmt.Errorf("domain %.80q: %w", s, err)
	}
	return Domain{s, len(tenant)}, nil
}

// Tenant returns the tenant that d is or belongs to.
func (d Domain) Tenant() TenantID { return TenantID{d.s[:d.tenant]} }

// Dossier returns the dossier, or the zero ID when d is a tenant.
func (d Domain) Dossier() DossierID {
	if !d.IsDossier() {
		return DossierID{}
	}
	return DossierID{d.s[d.tenant+1:]}
}

// IsDossier reports whether d is a dossier rather than a tenant.
func (d Domain) IsDossier() bool { return len(d.s) > d.tenant+1 }

// IsZero reports whether d names no tenant.
func (d Domain) IsZero() bool { return d.s == "" }

// String returns d as a policy writes it, or "" for a Domain without a tenant.
func (d Domain) String() string { return d.s }

// Everywhere returns the pattern of t and all of its dossiers, "acme/*": the
// domain of what a person holds throughout a tenant.
func Everywhere(t TenantID) string {
	if t.IsZero() {
		return ""
	}
	return t.s + "/*"
}

// MarshalText implements [encoding.TextMarshaler].
func (d Domain) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] with [ParseDomain].
func (d *Domain) UnmarshalText(text []byte) error {
	parsed, err := ParseDomain(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}
