package pim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// tick has two processes remind every five minutes, as the timers do, for so long.
func (s *scene) tick(d time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Minute) {
		for range 2 {
			_, err := s.engine.Remind(s.t.Context())
			require.NoError(s.t, err)
		}
	}
}

// notices are the notices so far, of whichever change.
func (s *scene) notices() (soon, expired int) {
	for _, e := range s.outbox.types() {
		switch e {
		case pim.EventSoon:
			soon++
		case pim.EventExpired:
			expired++
		}
	}
	return soon, expired
}

func TestEndIsToldOfOnceBeforeAndOnceAfter(t *testing.T) {
	for _, tt := range []struct {
		name          string
		do            func(s *scene)
		lasts         time.Duration
		soon, expired int
	}{
		{"not soon yet", func(*scene) {}, time.Hour, 0, 0},
		{"soon", func(*scene) {}, 2 * time.Hour, 1, 0},
		{"over", func(*scene) {}, 3 * time.Hour, 1, 1},
		{"long over", func(*scene) {}, 72 * time.Hour, 1, 1},
		{"ended early: whatever ended it has told", func(s *scene) {
			time.Sleep(20 * time.Minute)
			c := s.drive(s.request("CR2", s.ada, `"action":"deactivate"`))
			require.Equal(s.t, pim.Done, c.State)
		}, 6 * time.Hour, 0, 0},
		{"ended early, though it was said to end soon", func(s *scene) {
			s.tick(110 * time.Minute)
			c := s.drive(s.request("CR2", s.ada, `"action":"deactivate"`))
			require.Equal(s.t, pim.Done, c.State)
		}, 6 * time.Hour, 1, 0},
		{"ended early while nobody looked", func(s *scene) {
			time.Sleep(20 * time.Minute)
			c := s.drive(s.request("CR2", s.ada, `"action":"deactivate"`))
			require.Equal(s.t, pim.Done, c.State)
			time.Sleep(3 * time.Hour)
		}, 6 * time.Hour, 0, 0},
		{"prolonged: what prolonged it tells", func(s *scene) {
			time.Sleep(time.Hour)
			c := s.drive(s.request("CR2", s.ada, `"action":"extend","kind":"assignment","duration":"PT3H"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		}, 2 * time.Hour, 0, 0},
		{"given for ever by somebody else", func(s *scene) {
			g := s.grant(s.ada, 0, 0)
			s.tenant.Assign(g)
		}, 48 * time.Hour, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				c := s.drive(s.request("CR1", s.ada, `"action":"grant","duration":"PT2H"`))
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
				tt.do(s)
				s.tick(tt.lasts)
				soon, expired := s.notices()
				require.Equal(s.t, [2]int{tt.soon, tt.expired}, [2]int{soon, expired})
			})
		})
	}
}

func TestEndThatCannotBeSeenIsToldOfOnceItCan(t *testing.T) {
	onPlanes(t, func(s *scene) {
		c := s.drive(s.request("CR1", s.ada, `"action":"grant","duration":"PT2H"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		s.tenant.Inject(simtenant.Fault{Path: "ScheduleInstances", Status: 503, Times: simtenant.Always, Until: s.tenant.Now().Add(4 * time.Hour)})
		time.Sleep(3 * time.Hour)
		_, err := s.engine.Remind(s.t.Context())
		require.Error(s.t, err)
		_, expired := s.notices()
		require.Zero(s.t, expired, "nobody knows")
		time.Sleep(2 * time.Hour)
		s.tick(5 * time.Minute)
		_, expired = s.notices()
		require.Equal(s.t, 1, expired)
	})
}

func TestWhatWasWithdrawnBeforeItBeganHasNotExpired(t *testing.T) {
	onPlanes(t, func(s *scene) {
		c := s.drive(s.request("CR1", s.ada, `"action":"grant","duration":"PT2H","start":"$tomorrow"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		c = s.drive(s.request("CR2", s.ada, `"action":"cancel"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		time.Sleep(27 * time.Hour)
		s.tick(time.Hour)
		soon, expired := s.notices()
		require.Equal(s.t, [2]int{0, 0}, [2]int{soon, expired})
	})
}

// A tenant that does not answer is left alone at the first sign.
func TestReminderGivesUpOnATenantThatIsAway(t *testing.T) {
	onPlanes(t, func(s *scene) {
		for i, who := range []string{s.ada, s.bob, s.carl} {
			c := s.drive(s.request(fmt.Sprint("CR", i), who, `"action":"grant","duration":"PT2H"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		}
		time.Sleep(3 * time.Hour)
		s.tenant.Inject(simtenant.Fault{Path: "ScheduleInstances", Status: 503, Times: simtenant.Always})
		s.tenant.ForgetCalls()
		_, err := s.engine.Remind(s.t.Context())
		require.Equal(s.t, pim.CodeBusy, pim.CodeOf(err))
		require.Equal(s.t, 1, len(s.calls()), "%v", s.calls())
	})
}

// What owes no notice costs the tenant no call: neither before its time nor once it was
// told.
func TestReminderAsksForWhatOwesNoticeAlone(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.drive(s.request("CR1", s.ada, `"action":"grant","duration":"PT2H"`))
		s.tenant.ForgetCalls()
		s.tick(100 * time.Minute)
		require.Empty(s.t, s.calls(), "not soon yet")
		s.tick(time.Hour)
		soon, expired := s.notices()
		require.Equal(s.t, [2]int{1, 1}, [2]int{soon, expired})
		s.tenant.ForgetCalls()
		s.tick(24 * time.Hour)
		require.Empty(s.t, s.calls(), "all is told")
	})
}
