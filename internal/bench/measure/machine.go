package measure

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/volmacht/volmacht/internal/bench/peer"
)

// machine says in general words what the run ran on.
func machine() string {
	text := fmt.Sprintf("%d virtual cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	var kilobytes int
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		if _, err := fmt.Sscanf(strings.TrimPrefix(string(info), "MemTotal:"), "%d", &kilobytes); err == nil {
			text += fmt.Sprintf(", %d GB of memory", (kilobytes+1<<19)>>20)
		}
	}
	return text
}

// versions are those of the engines' modules in this binary. A test binary has
// none.
func versions() map[string]string {
	all := make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all
	}
	for _, m := range peer.Makers {
		for _, d := range info.Deps {
			if d.Path == m.Module {
				all[d.Path] = d.Version
			}
		}
	}
	return all
}
