# python3: see python.py.
exec python3 "$SUITE/python.py"
