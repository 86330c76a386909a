package engine_test

import (
	"time"

	"github.com/volmacht/volmacht/internal/engine"
)

func lists(*engine.Snapshot, engine.Request, time.Time, bool) string { return "" }
