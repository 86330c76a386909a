package authz

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
)

// tokenBytes is the length of a token: 256 random bits.
const tokenBytes = 32

// mint makes one more token for an invitation. It exists in what mint returns,
// which goes into one mail and nowhere else; the database has its hash.
func mint(db *gorm.DB, invitation string, at time.Time) (string, error) {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails: the program ends first
	token := base64.RawURLEncoding.EncodeToString(secret)
	hash := sha256.Sum256([]byte(token))
	err := db.Create(&store.Token{Hash: hash[:], Invitation: invitation, MadeAt: store.At(at)}).Error
	return token, store.Translate(err)
}
