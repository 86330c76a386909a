package authz

import "github.com/volmacht/volmacht/model"

// Known tells what az has in memory: how many tenants, and the revision of one.
func Known(az *Authz, t model.TenantID) (tenants int, revision uint64) {
	tenants = int(az.cache.slots.size.Load())
	if st := az.cache.known(t); st != nil {
		revision = st.head.Revision
	}
	return tenants, revision
}

// PublishAgain publishes the state that az has of t as it was, after f.
func PublishAgain(az *Authz, t model.TenantID, f func()) {
	old, since := az.cache.known(t), now()
	f()
	az.cache.publish(old, since)
}

// CanonicalPhone is canonicalPhone.
var CanonicalPhone = canonicalPhone
