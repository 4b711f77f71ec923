#!/usr/bin/env bash
# Flink 2.3.0 (flink-core), config.yaml, read by Flink's own GlobalConfiguration.
#
# YAML 1.1's merge key (`<<: *anchor`) is resolved by many YAML readers, kubectl's among them. Flink
# takes `<<` for a name like any other: nothing is merged, and options called `taskmanager.<<.…`
# appear beside it. No warning is given, so a block that shares options through an anchor is void.
#
# Needs a JDK (17 or newer) and Maven. Fails if Flink behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/conf" "$folder/lib"

cat >"$folder/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-core</artifactId><version>2.3.0</version></dependency>
  </dependencies>
</project>
POM
mvn -q -f "$folder/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/lib"

cat >"$folder/conf/config.yaml" <<'YAML'
shared: &shared
  numberOfTaskSlots: 4
taskmanager:
  <<: *shared
  registration.timeout: 1 min
YAML

cat >"$folder/Show.java" <<'JAVA'
import java.util.TreeMap;
import org.apache.flink.configuration.GlobalConfiguration;

class Show {
    public static void main(String[] folder) {
        var read = GlobalConfiguration.loadConfiguration(folder[0]).toMap();
        new TreeMap<>(read).forEach((key, value) -> System.out.println(key + " = " + value));
    }
}
JAVA
java -cp "$folder/lib/*" "$folder/Show.java" "$folder/conf" 2>/dev/null | tee "$folder/seen"

# seen: the option under its odd name, and not under its own
grep -qxF 'taskmanager.<<.numberOfTaskSlots = 4' "$folder/seen"
if grep -q '^taskmanager.numberOfTaskSlots' "$folder/seen"; then
	echo "the merge key was resolved" >&2
	exit 1
fi
echo "as recorded: the merge key is an option's name"
