out/x: \
  /usr/lib/crt1.o \
  /w\ w/a.o /c/$$x\#y.o

/usr/lib/crt1.o:
