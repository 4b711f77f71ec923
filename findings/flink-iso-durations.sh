#!/usr/bin/env bash
# Flink's options that are durations (flink-core, TimeUtils.parseDuration, which reads all of them).
#
# `execution.checkpointing.interval: PT2S` is 2 s from Flink 2.1 on and an error before, in 2.0 too:
# not the major version decides, as one would think of `config.yaml`. So a configuration that one 2.x
# cluster runs with stops another at its start, which a downgrade or a comparison of versions meets.
#
# Needs a JDK (17 or newer) and Maven. Fails if Flink behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/Parse.java" <<'JAVA'
import org.apache.flink.util.TimeUtils;

class Parse {
    public static void main(String[] texts) {
        for (String text : texts) {
            try {
                System.out.println(text + " = " + TimeUtils.parseDuration(text).toMillis() + " ms");
            } catch (IllegalArgumentException refused) {
                System.out.println(text + " is refused");
            }
        }
    }
}
JAVA

for version in 1.20.5 2.0.2 2.1.3 2.3.0; do
	mkdir "$folder/$version"
	cat >"$folder/$version/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-core</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
POM
	mvn -q -f "$folder/$version/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/$version/lib"
	echo "Flink $version"
	java -cp "$folder/$version/lib/*" "$folder/Parse.java" PT2S pt2s "2 s" 2>/dev/null | tee "$folder/$version/seen"
done

# seen: 1.20.5 and 2.0.2 refuse both ISO forms, the others take both; the plain form means the same
for version in 1.20.5 2.0.2; do
	diff "$folder/$version/seen" - <<'SEEN'
PT2S is refused
pt2s is refused
2 s = 2000 ms
SEEN
done
for version in 2.1.3 2.3.0; do
	diff "$folder/$version/seen" - <<'SEEN'
PT2S = 2000 ms
pt2s = 2000 ms
2 s = 2000 ms
SEEN
done
echo "as recorded: ISO durations from 2.1 on"
