package authz

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	testify "github.com/stretchr/testify/require" // require is a function of authz

	"github.com/volmacht/volmacht/model"
)

func slotTenant(i int) model.TenantID { return model.Must(model.ParseTenantID(fmt.Sprintf("t%d", i))) }

// Slots come and go as those of a map do: nobody is lost behind somebody who was
// dropped, and nobody who was dropped is found.
func TestSlots(t *testing.T) {
	t.Parallel()
	var s slots
	want := make(map[model.TenantID]*slot)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20_000 {
		id := slotTenant(r.IntN(300))
		if r.IntN(2) == 0 {
			opened := s.open(id)
			testify.True(t, want[id] == nil || want[id] == opened, "another slot for %v", id)
			want[id] = opened
		} else {
			s.drop(id)
			delete(want, id)
		}
		some := slotTenant(r.IntN(300))
		testify.Same(t, want[some], s.find(some), some)
		testify.EqualValues(t, len(want), s.size.Load())
	}
	seen := make(map[model.TenantID]*slot)
	for each := range s.all {
		seen[each.tenant] = each
	}
	testify.Equal(t, want, seen)
	testify.Less(t, len(*s.table.Load()), 4096, "what comes and goes takes no more room than what is there")

	s.trim(10)
	testify.EqualValues(t, 10, s.size.Load())
	s.clear()
	testify.Zero(t, s.size.Load())
	testify.Nil(t, s.find(slotTenant(1)))
}

// While others come and go, who stays is found, at every moment.
func TestSlotsAtOnce(t *testing.T) {
	t.Parallel()
	var s slots
	const staying = 20
	for i := range staying {
		s.open(slotTenant(i))
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				id := slotTenant(i % staying)
				if found := s.find(id); found == nil || found.tenant != id {
					t.Errorf("%v is lost", id)
					return
				}
			}
		})
	}
	for i := range 5000 {
		s.open(slotTenant(staying + i%500))
		s.drop(slotTenant(staying + (i*7)%500))
	}
	close(done)
	readers.Wait()
}
