package prof
import ("testing";"time";"context"
"github.com/volmacht/volmacht/internal/bench/ours"
"github.com/volmacht/volmacht/internal/bench/world"
"github.com/volmacht/volmacht/internal/store"
"os"
)
func TestFill(t *testing.T){
 w:=world.New(world.M,1)
 if os.Getenv("PG")!="" {
  d,err:=ours.Postgres(context.Background(),os.Getenv("PG")); if err!=nil{t.Fatal(err)}
  defer d.Close()
  b:=time.Now(); if err:=ours.Prepare(context.Background(),d.DB,w);err!=nil{t.Fatal(err)}
  t.Log("pg",time.Since(b))
  return
 }
 db,err:=store.OpenMemory(); if err!=nil{t.Fatal(err)}
 b:=time.Now(); if err:=ours.Prepare(context.Background(),db,w);err!=nil{t.Fatal(err)}
 t.Log("mem",time.Since(b))
 for _,tb:=range []string{"casbin_rule","volmacht_people","volmacht_members","volmacht_dossiers","volmacht_supporting","volmacht_streams","volmacht_ledger"}{ var n int64; db.Table(tb).Count(&n); t.Log(tb,n)}
}
