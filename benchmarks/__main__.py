"""`make bench`: every benchmark, each against the bare database in the same run.

python -m benchmarks [--cards 10000,1000000] [--seconds 20] [--rounds 3]
"""

from benchmarks import stamp

if __name__ == "__main__":
    stamp.main()
