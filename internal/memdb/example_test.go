package memdb_test

import (
	"fmt"

	"praetor/internal/memdb"
)

func Example() {
	type city struct{ name, country string }
	db := memdb.New([]memdb.Table{{Name: "cities", Indexes: []memdb.Index{
		{Name: "id", Unique: true, Keys: func(row any, list [][]byte) [][]byte { return append(list, []byte(row.(*city).name)) }},
		{Name: "country", Keys: func(row any, list [][]byte) [][]byte { return append(list, []byte(row.(*city).country+"\x00")) }},
	}}})
	write := db.Txn(true)
	write.Insert("cities", &city{"Lyon", "France"})
	write.Insert("cities", &city{"Bern", "Switzerland"})
	write.Insert("cities", &city{"Lille", "France"})
	write.Commit()

	ws := memdb.WatchSet{} // closes when there are other cities in France
	for row := range db.Txn(false).Rows(ws, "cities", "country", []byte("France\x00")) {
		fmt.Println(row.(*city).name)
	}
	// Output:
	// Lille
	// Lyon
}
